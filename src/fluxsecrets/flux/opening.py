"""Decrypting data as sops does it for kustomize-controller: value by value, without a look at the MAC.

Follows `Tree.Decrypt` of sops.go and `Cipher.Decrypt` of aes/cipher.go (sops 3.13.2). The controller decrypts
objects as JSON, which has no comments, so that a selector by comments never matches one.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, NamedTuple

from fluxsecrets.errors import IntegrityError
from fluxsecrets.marks import KINDS, write_ciphertext
from fluxsecrets.repo.manifests import Plain, Steps
from fluxsecrets.sops.cipher import Cipher, DataKey, additional_data
from fluxsecrets.sops.selectors import Selector
from fluxsecrets.sops.values import Timestamp, Value

from .unknown import unknown

NOT_DECRYPTED = "Could not decrypt value: "
"""What the message of a value begins with that the controller cannot decrypt."""

PANIC = "runtime error: hash of unhashable type []uint8"
"""Why the controller stops at a ciphertext of the type bytes: sops keeps each value in a map."""

_ENC = re.compile(r"ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_NOT_AUTHENTIC = "Could not decrypt with AES_GCM: cipher: message authentication failed"
_GO_TYPES = {bool: "bool", int: "int", float: "float64"}


class Refused(NamedTuple):
    """A value that stops the decryption.

    Attributes:
        steps: where it is.
        reason: in sops's words, without the value.
    """

    steps: Steps
    reason: str


class Opened(NamedTuple):
    """Data after decryption.

    Attributes:
        data: with `UNKNOWN` in place of values that no identity at hand decrypts. Not in the repr.
        refused: the first value that stops the decryption, or None.
        doubtful: the first value of which it cannot be told whether it stops the decryption, or None.
        values: how many values are decrypted.
    """

    data: Plain
    refused: Refused | None = None
    doubtful: Steps | None = None
    values: int = 0

    def __repr__(self) -> str:
        """Without the data."""
        return f"Opened(refused={self.refused!r}, doubtful={self.doubtful!r}, values={self.values!r})"


Fits = Callable[[str, Steps], bool | None]
"""Whether a ciphertext is where it was encrypted; None where that cannot be told."""


def why_not_ciphertext(value: object) -> str | None:
    """Why sops stops at a value that is to be a ciphertext, in its words and without the value; else None."""
    if not isinstance(value, str):
        return f"Expected encrypted value as string, but got {_GO_TYPES.get(type(value), 'string')}"
    parts = _parts(value)
    return NOT_DECRYPTED + parts if isinstance(parts, str) else None


def open_data(data: Plain, selector: Selector, key: DataKey | None, fits: Fits = lambda *_: None) -> Opened:
    """Decrypt the selected values of a map.

    Args:
        data: without its `sops` block.
        selector: of the block.
        key: the data key; None where no identity at hand opens it. Then the form of each value is checked.
        fits: asked for a ciphertext that no key opens.
    """
    opener = _Opener(selector, Cipher(key) if key is not None else None, fits)
    opened = opener.map(data, ())
    return Opened(opened, opener.refused, opener.doubtful, opener.values)


class _Opener:
    """Walks data in its order; after the first value that is refused nothing is decrypted."""

    def __init__(self, selector: Selector, cipher: Cipher | None, fits: Fits) -> None:
        self.selector = selector
        self.cipher = cipher
        self.fits = fits
        self.refused: Refused | None = None
        self.doubtful: Steps | None = None
        self.values = 0

    def map(self, data: Plain, steps: Steps) -> Plain:
        return {key: self.value(value, (*steps, key)) for key, value in data.items()}

    def value(self, value: Any, steps: Steps) -> Any:
        if isinstance(value, dict):
            return self.map(value, steps)
        if isinstance(value, list):
            opened = [self.value(item, (*steps, index)) for index, item in enumerate(value)]
            return [item for item in opened if item is not _COMMENT]
        if value is None or value == "" or self.refused is not None or not self.selector.encrypts(steps):
            return value
        parts = _parts(value) if isinstance(value, str) else ""
        if isinstance(parts, str):
            return self.stop(value, steps, why_not_ciphertext(value) or "")
        self.values += 1
        return self.open(parts, value, steps)

    def stop(self, value: Any, steps: Steps, reason: str) -> Any:
        self.refused = Refused(steps, reason)
        return value

    def open(self, parts: _Parts, text: str, steps: Steps) -> Any:
        if parts.kind == "bytes":
            return self.stop(text, steps, PANIC)
        if self.cipher is None:
            fits = self.fits(text, steps)
            if fits is False:
                return self.stop(text, steps, NOT_DECRYPTED + _NOT_AUTHENTIC)
            if fits is None and self.doubtful is None:
                self.doubtful = steps
            return unknown(parts.kind)
        try:
            value = self.cipher.decrypt(parts.text, additional_data(steps))
        except IntegrityError as error:
            return self.stop(text, steps, NOT_DECRYPTED + _reason(error))
        return _in_json(value, parts.kind, in_list=isinstance(steps[-1], int))


class _Parts(NamedTuple):
    """A ciphertext: its text without anything behind it, and its type."""

    text: str
    kind: str


def _parts(value: str) -> _Parts | str:
    """A ciphertext's parts, or why it is not one. sops takes anything behind the last bracket."""
    match = _ENC.match(value)
    if match is None:
        return "Input string <redacted> does not match sops' data format"
    parts = []
    for name, group in zip(("data", "iv", "tag"), match.groups()[:3], strict=True):
        text = group.replace("\r", "")
        if len(text) % 4 or not _BASE64.fullmatch(text):
            return f"Error base64-decoding {name}: illegal base64 data"
        parts.append(b64decode(text))
    if match[4] not in KINDS:
        return "Unknown datatype"
    data, nonce, tag = map(b64encode, parts)
    return _Parts(write_ciphertext(data, nonce, tag, match[4]).decode(), match[4])


def _reason(error: IntegrityError) -> str:
    return _NOT_AUTHENTIC if "type" not in error.message else error.message


_COMMENT: Any = object()
"""A comment that sops wrote as an item of a list; JSON has none."""


def _in_json(value: Value, kind: str, *, in_list: bool) -> Any:
    """A value after sops wrote it as JSON, and it was read again (stores/json/store.go, `encodeValue`)."""
    if kind == "comment":
        return _COMMENT if in_list else {"Value": value, "Inline": False}
    if isinstance(value, Timestamp):
        return value.text
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
