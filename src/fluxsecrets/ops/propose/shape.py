"""Where the value of a proposal is put, so that Flux applies it.

kustomize-controller decrypts the files of `patches` before the build, and the Secret after it, with what the
patches made of it (`DecryptSources` and `DecryptResource` of internal/decryptor/decryptor.go). A value from a
patch is plain by then, and the controller stops at a plain value where the Secret's selector expects a
ciphertext.

So a proposal puts its value under the map that the Secret doesn't use: under `stringData` if its values are
under `data`, and the reverse. A second patch, in the kustomization file itself, says that only the map in use
is to be decrypted. The Secret's file stays as it is. Flux merges the two maps before it applies the Secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.repo.proposals import MAPS, SecretId
from fluxsecrets.sops.document import Data, Leaf, Mapping, leaves_of, show_path
from fluxsecrets.sops.formats.yaml.block import render_block
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.selection import is_empty
from fluxsecrets.sops.selectors import SelectorKind, compile_selector

_OTHER: Final = {"data": "stringData", "stringData": "data"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How the patches for a Secret have to look.

    Attributes:
        own: the map with the Secret's encrypted values.
        other: the map that proposals use.
        narrowing: fields for the Secret's `sops` block that keep `other` from being decrypted; None if its
            selector leaves `other` plain already.
    """

    own: str
    other: str
    narrowing: dict[str, Data] | None


def shape_of(secret: Mapping, metadata: Metadata, key: str) -> Shape:
    """Return how a patch that sets a key of an encrypted Secret has to look.

    Args:
        secret: the object in its file.
        metadata: the file's `sops` block.
        key: of the value.

    Raises:
        UnprotectedError: Flux would not apply the Secret with such a patch.
        SelectorError: the block's selector is invalid.
    """
    used = used_maps(secret)
    if not used:
        raise UnprotectedError(
            "the Secret has no encrypted value beside which one could be proposed",
            hint="encrypt it first: `fluxsecrets encrypt FILE`",
        )
    if len(used) > 1:
        raise UnprotectedError(
            "the Secret has encrypted values under both `data` and `stringData`, so Flux can't be told which "
            "ones to decrypt beside a proposal",
            hint="ask a holder of a key to move them under one of the two: `fluxsecrets edit FILE`",
        )
    own = used[0]
    other = _OTHER[own]
    selector = compile_selector(metadata.selector)
    if not selector.encrypts((other, key)):
        return Shape(own, other, None)
    odd = next(_others_than(secret, own), None)
    if odd is not None:
        raise UnprotectedError(
            f"the file's selector treats {show_path(odd.path)} in a way that Flux can't be told beside a "
            "proposal",
            line=odd.line,
            hint="ask a holder of a key to encrypt it with `encrypted_regex: ^(data|stringData)$`",
        )
    fields: dict[str, Data] = {"encrypted_regex": f"^{own}$"}
    if metadata.selector.kind is not SelectorKind.ENCRYPTED_REGEX:
        fields[metadata.selector.kind.value] = None  # a block has one selector
    return Shape(own, other, fields)


def used_maps(secret: Mapping) -> tuple[str, ...]:
    """Return the maps of a Secret that have encrypted values."""
    return tuple(name for name in MAPS if any(is_ciphertext(leaf.value) for leaf in _values(secret, name)))


def _others_than(secret: Mapping, own: str) -> Iterator[Leaf]:
    """The values for which `^own$` would be the wrong selector."""
    for leaf in leaves_of(secret):
        if not is_empty(leaf.value) and is_ciphertext(leaf.value) != (leaf.path[0] == own):
            yield leaf


def _values(secret: Mapping, name: str) -> Iterator[Leaf]:
    values = secret.get(name)
    return leaves_of(values) if isinstance(values, Mapping) else iter(())


def narrowing_text(secret: SecretId, fields: dict[str, Data]) -> str:
    """Return the patch that keeps Flux from decrypting proposed values, which are plain by then."""
    return "".join(f"{line}\n" for line in render_block({**secret.data, "sops": fields}, 2))
