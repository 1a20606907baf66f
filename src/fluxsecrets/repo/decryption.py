"""What kustomize-controller's decryption would do with a file or an object.

Follows internal/decryptor/decryptor.go. A generator's file is decrypted twice over: first by the name of its
key, if a marker of that format is in it; what is left is looked at again as a value of the Secret that was
built, by whatever marker it has. A patch has the first chance only. Objects are decrypted by their own `sops`
block, as JSON, so that comments are gone by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fluxsecrets.marks import FLUX_MARKERS, is_ciphertext
from fluxsecrets.sops.selectors import Selector, SelectorKind

from .manifests import text, walk
from .objects import Object

SIZE_LIMIT = 5 * 2**20
"""Bytes of an encrypted file that the controller decrypts at most (`maxEncryptedFileSize`)."""

_COMMENTS = {
    SelectorKind.ENCRYPTED_COMMENT_REGEX: "it is encrypted by comments, which are gone when Flux decrypts it",
    SelectorKind.UNENCRYPTED_COMMENT_REGEX: "comments say what is plain in it, and are gone when Flux "
    "decrypts it",
}


class Fate(StrEnum):
    """What becomes of it."""

    DECRYPTED = "decrypted"
    APPLIED = "applied as it is"
    CIPHERTEXT = "ciphertext applied"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What the controller does with a file or an object.

    Attributes:
        format: that it decrypts it as, or None.
        reason: why it comes out other than one would expect, or "".
    """

    fate: Fate
    format: str | None = None
    reason: str = ""


def treat_source(
    expected: str, stored_as: str | None, found: frozenset[str], size: int, *, patch: bool = False
) -> Treatment:
    """What becomes of a file that a generator reads or that is a patch, where decryption is on.

    Args:
        expected: the format that its key says.
        stored_as: the format that it is encrypted in; None where it is not encrypted.
        found: the formats whose markers are in it.
        size: in bytes.
        patch: it is a patch, and no generator reads it.
    """
    if size > SIZE_LIMIT:  # checked before the marker, so plain files fail as well
        return Treatment(Fate.FAILS, reason=f"it has {size / 2**20:.1f} MiB, and Flux reads 5 at most")
    if stored_as is None:
        return Treatment(Fate.APPLIED)
    if expected in found:
        return _first(expected, stored_as)
    if patch or not found:
        return Treatment(
            Fate.CIPHERTEXT,
            reason=f"Flux takes it for {_name(expected)} by its name, and it is {_name(stored_as)}"
            if stored_as != expected
            else f"Flux does not find {FLUX_MARKERS[expected].decode()} in it, as sops writes it",
        )
    return _second(expected, stored_as)


def _first(expected: str, stored_as: str) -> Treatment:
    if expected == stored_as:
        return Treatment(Fate.DECRYPTED, expected)
    reason = f"Flux takes it for {_name(expected)} by its name, and it is {_name(stored_as)}"
    if expected == "json" and stored_as == "binary":
        return Treatment(Fate.FAILS, "json", f"{reason}: what is applied is the envelope around the value")
    return Treatment(Fate.FAILS, expected, reason)


def _second(expected: str, stored_as: str) -> Treatment:
    """As a value of the Secret: read as what its marker says, written as what its key says."""
    reason = f"Flux takes it for {_name(expected)} by its name, and it is {_name(stored_as)}"
    if expected == "dotenv":  # kustomize has taken it apart by lines by then
        return Treatment(Fate.CIPHERTEXT, reason=reason)
    if expected == "binary":
        return Treatment(Fate.FAILS, stored_as, reason)
    return Treatment(Fate.DECRYPTED, stored_as, f"it is turned into {_name(expected)}, as its key says")


def treat_object(item: Object, selector: Selector | None, *, decrypts: bool, disabled: bool) -> Treatment:
    """What becomes of an object that is applied.

    Args:
        item: it, after patches.
        selector: of its `sops` block.
        decrypts: the Kustomization has `spec.decryption` with the provider sops.
        disabled: its annotation says that it is not decrypted.
    """
    if not text(item.data, "sops", "mac"):
        return Treatment(Fate.APPLIED)
    if disabled:
        return Treatment(Fate.CIPHERTEXT, reason="its annotation says that Flux does not decrypt it")
    if not decrypts:
        # The API server refuses a Secret with a field `sops`; other kinds may be taken.
        return Treatment(Fate.FAILS, reason="the Kustomization has no spec.decryption")
    return _by_selector(item, selector)


def _by_selector(item: Object, selector: Selector | None) -> Treatment:
    if selector is not None and selector.uses_comments:
        kind = selector.spec.kind
        fails = kind is SelectorKind.UNENCRYPTED_COMMENT_REGEX
        return Treatment(Fate.FAILS if fails else Fate.CIPHERTEXT, "json", _COMMENTS[kind])
    plain = _plain_value(item, selector) if selector is not None else None
    if plain is not None:
        return Treatment(Fate.FAILS, "json", f"{plain} is plain, and Flux would decrypt it")
    return Treatment(Fate.DECRYPTED, "json")


def _plain_value(item: Object, selector: Selector) -> str | None:
    """A value that the selector says is encrypted, and is not: a patch or an editor put it there."""
    for steps, values in walk(item.data):
        if steps[:1] == ("sops",):
            continue
        for key, value in values.items():
            path = (*steps, key)
            is_text = isinstance(value, str) and bool(value) and key != "sops"
            if is_text and selector.encrypts(path) and not is_ciphertext(value):
                return ".".join(map(str, path))
    return None


_NAMES = {"binary": "one value (binary)", "yaml": "YAML", "json": "JSON", "ini": "INI"}


def _name(format_: str) -> str:
    return _NAMES.get(format_, format_)
