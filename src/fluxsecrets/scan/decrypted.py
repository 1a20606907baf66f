"""Whether a plain file holds the values of an encrypted one, without opening that.

A ciphertext of SOPS is as long as its value, and stands behind the same key. A file that was renamed when it
was decrypted is known by that.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator

from fluxsecrets.marks import SIGN_BYTES

_CIPHERTEXT = (
    rb"""["']?([\w.-]+)["']?[ \t]*[:=][ \t]*["']?"""
    rb"""ENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),[^\]\n]*type:(\w+)\]"""
)
_BINARY = rb"\A\s*\{\s*\"data\"\s*:"
_SHORT = 4
"""Lengths up to which many values have the same, in bytes."""


def holds_values_of(encrypted: bytes, plain: bytes) -> bool:
    """Whether at least half of the values of an encrypted file stand in a plain one, by keys and lengths.

    Args:
        encrypted: a file that SOPS encrypted.
        plain: another file.
    """
    values = list(_lengths(encrypted))
    if re.match(_BINARY, encrypted) and any(key == b"data" for key, _ in values):
        return any(key == b"data" and len(plain) == length > _SHORT for key, length in values)
    if not values or max(length for _, length in values) <= _SHORT:
        return False
    found = sum(_has(plain, key, length) for key, length in values)
    return 2 * found >= len(values)


def _lengths(encrypted: bytes) -> Iterator[tuple[bytes, int]]:
    """Key and length in bytes of each value."""
    start = encrypted.find(SIGN_BYTES)
    for key, data, kind in re.findall(_CIPHERTEXT, encrypted) if start >= 0 else ():
        if key == b"mac" or kind == b"comment":
            continue
        try:
            yield key, len(b64decode(data, validate=True))
        except ValueError:
            continue


def _has(plain: bytes, key: bytes, length: int) -> bool:
    pattern = (
        rb"(?m)^[ \t]*(?:-[ \t]+|export[ \t]+)*[\"']?%s[\"']?[ \t]*[:=][ \t]*(\S[^\r\n]*?)[ \t]*,?\r?$"
        % re.escape(key)
    )
    return any(len(_unquoted(text)) == length for text in re.findall(pattern, plain))


def _unquoted(text: bytes) -> bytes:
    quoted = len(text) > 1 and text[:1] == text[-1:] and text[:1] in (b'"', b"'")
    return text[1:-1] if quoted else text
