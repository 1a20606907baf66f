"""Whether a plain file holds the values of an encrypted one, without opening that.

A ciphertext of SOPS is as long as its value, and stands behind the same key. A file that was renamed when it
was decrypted is known by that.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import NamedTuple

from fluxsecrets.marks import SIGN_BYTES

_CIPHERTEXT = (
    rb"""["']?([\w.-]+)["']?[ \t]*[:=][ \t]*["']?"""
    rb"""ENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),[^\]\n]*type:(\w+)\]"""
)
_VALUE = (
    rb"""(?m)^[ \t]*(?:-[ \t]+|export[ \t]+)*["']?([\w.-]+)["']?[ \t]*[:=][ \t]*(\S[^\r\n]*?)[ \t]*,?\r?$"""
)
_FILLED_IN = rb"\{\{[ \w.$-]*\}\}|\$\{[A-Za-z_]\w*\}"
"""What an ExternalSecret or Flux puts something in place of: not the value, whatever its length."""

_BINARY = rb"\A\s*\{\s*\"data\"\s*:"
_SHORT = 4
"""Lengths up to which many values have the same, in bytes."""


class Encrypted(NamedTuple):
    """What shows of the values of an encrypted file: key and length in bytes of each.

    Attributes:
        whole: the length of a file that was encrypted as a whole, or 0.
    """

    values: tuple[tuple[bytes, int], ...]
    whole: int = 0

    def are_in(self, plain: Plain) -> bool:
        """Whether most of them stand in a plain file."""
        if self.whole:
            return plain.size == self.whole > _SHORT
        found = [length for key, length in self.values if (key, length) in plain.values]
        return 2 * len(found) > len(self.values) and max(found) > _SHORT


class Plain(NamedTuple):
    """The values of a plain file: key and length in bytes of each, and the file's size."""

    values: frozenset[tuple[bytes, int]]
    size: int


def read_encrypted(data: bytes) -> Encrypted:
    """Read what shows of the values of a file that SOPS encrypted."""
    values = tuple(_lengths(data))
    if re.match(_BINARY, data):
        return Encrypted((), next((length for key, length in values if key == b"data"), 0))
    return Encrypted(values)


def read_plain(data: bytes) -> Plain:
    """Read the values of a plain file."""
    values = ((key, _unquoted(text)) for key, text in re.findall(_VALUE, data))
    found = frozenset((key, len(text)) for key, text in values if re.fullmatch(_FILLED_IN, text) is None)
    return Plain(found, len(data))


def _lengths(encrypted: bytes) -> Iterator[tuple[bytes, int]]:
    for key, data, kind in re.findall(_CIPHERTEXT, encrypted) if SIGN_BYTES in encrypted else ():
        if key == b"mac" or kind == b"comment":
            continue
        try:
            yield key, len(b64decode(data, validate=True))
        except ValueError:
            continue


def _unquoted(text: bytes) -> bytes:
    quoted = len(text) > 1 and text[:1] == text[-1:] and text[:1] in (b'"', b"'")
    return text[1:-1] if quoted else text
