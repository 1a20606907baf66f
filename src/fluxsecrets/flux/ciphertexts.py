"""Ciphertexts that are applied as if they were the values, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fluxsecrets.marks import SIGN, find_ciphertexts, is_ciphertext
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import Plain, Steps, walk
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome

from .decrypting import decrypts, has_block, is_disabled
from .model import Cluster
from .values import decoded

_QUOTED = re.compile(r"(?ms)^[ \t]*```.*?^[ \t]*```|^[ \t]*(?:#|//)[^\n]*")
"""Parts of a text that show something: blocks of code in a page, and comments."""


def check_ciphertexts(
    applied: Applied, item: Object, found: Sequence[Steps], cluster: Cluster
) -> Iterator[Outcome]:
    """Say which values of an object reach the cluster as ciphertext.

    Args:
        applied: the Kustomization.
        item: the object as it is built.
        found: where it has ciphertexts as it is applied, see `ciphertexts`.
        cluster: what is known of it.
    """
    if not found:
        return
    cause = _cause(applied, item, cluster)
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    yield Outcome(
        Effect.CIPHERTEXT,
        cause.behaviour,
        f"{item.kind} {item.name!a} gets the ciphertext of {_shown(found[0])!a}{more}: {cause.reason}",
        item.file,
        item.line_at(found[0]),
        cause.hint,
    )


def holds_ciphertext(value: object, name: str = "") -> bool:
    """Whether a text is a ciphertext, or an encrypted file, or was made with one; not one that shows some."""
    if not isinstance(value, str) or SIGN not in value:
        return False
    if value.startswith(SIGN) or is_ciphertext(value):
        return True
    content = value.encode("utf-8", "surrogatepass")
    if detect_encryption(content, name) is not None:
        return True
    return any(find_ciphertexts(_QUOTED.sub("", value).encode("utf-8", "surrogatepass")))


def ciphertexts(data: Plain) -> Iterator[Steps]:
    """Where an object has ciphertexts, outside of its `sops` block."""
    is_secret = data.get("kind") == "Secret" and data.get("apiVersion") == "v1"
    for steps, values in walk(data):
        if steps[:1] == ("sops",):
            continue
        for key, value in values.items():
            for each in value if isinstance(value, list) else (value,):
                content = each
                if is_secret and steps == ("data",):
                    raw = decoded(each)
                    content = raw.decode("utf-8", "replace") if raw is not None else each
                if key != "sops" and holds_ciphertext(content, str(key)):
                    yield (*steps, key)
                    break


def _shown(steps: Steps) -> str:
    return ".".join(map(str, steps))


class _Cause(NamedTuple):
    """Why Flux does not decrypt something.

    Attributes:
        behaviour: its name.
        holds: whether it is so.
        reason: for people.
        hint: what to do.
    """

    behaviour: str
    holds: Callable[[Applied, Object, Cluster], bool]
    reason: str
    hint: str


_CAUSES = (
    _Cause(
        "decryption-disabled",
        lambda _, item, cluster: is_disabled(item.data, cluster),
        "its annotation says that Flux does not decrypt it",
        "remove the annotation `kustomize.toolkit.fluxcd.io/decrypt`",
    ),
    _Cause(
        "no-decryption",
        lambda applied, _item, _cluster: not decrypts(applied),
        "the Kustomization has no spec.decryption",
        "add `decryption: {provider: sops, secretRef: {name: sops-age}}` to the Kustomization's spec",
    ),
    _Cause(
        "configmap-generator",
        lambda _, item, _cluster: item.generated is not None and item.kind == "ConfigMap",
        "Flux decrypts no file of a configMapGenerator",
        "use a secretGenerator",
    ),
    _Cause(
        "generator-not-decrypted",
        lambda _, item, _cluster: item.generated is not None,
        "Flux does not find its marker in the file of the secretGenerator",
        "list the file under `files` or `envs`, with the suffix of its format, and encrypt it again",
    ),
    _Cause(
        "list-loses-sops",
        lambda _, item, _cluster: item.manifest is not None and item.manifest.in_list,
        "kustomize takes the List apart, and its sops block is lost",
        "write each object as a document of its own: run `fluxsecrets encrypt --split-lists FILE`",
    ),
    _Cause(
        "mac-missing",
        lambda _, item, _cluster: "sops" in item.data and not has_block(item.data),
        "its sops block has no MAC, by which Flux knows it",
        "encrypt the file again",
    ),
    _Cause(
        "ciphertext-copied",
        lambda _, item, _cluster: True,
        "it has no sops block of its own: a patch, a replacement or a variable brought the ciphertext",
        "let the object that uses the value read it from the Secret",
    ),
)
"""The first that holds counts."""


def _cause(applied: Applied, item: Object, cluster: Cluster) -> _Cause:
    return next(each for each in _CAUSES if each.holds(applied, item, cluster))
