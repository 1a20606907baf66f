"""The form of an encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

One predicate decides for everything that scans, encrypts or decrypts. A password may begin and end like a
ciphertext, so the whole form has to fit, and nonce and tag must have lengths that sops opens. Whether a
ciphertext is genuine only the data key can tell.

Taken from sops 3.13.2: aes/cipher.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

SIGN = "ENC[AES256_GCM,"
"""The start of every ciphertext."""

SIGN_BYTES = SIGN.encode()
"""What every encrypted file holds."""

KINDS = ("str", "int", "float", "bytes", "bool", "time", "comment")
"""What may stand in `type:`."""

FORM = (
    rf"{re.escape(SIGN)}data:([A-Za-z0-9+/]+={{0,2}}),"
    r"iv:([A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{16}),"  # sops writes 32 bytes, and reads 12 as well
    r"tag:([A-Za-z0-9+/]{22}==),"
    rf"type:({'|'.join(KINDS)})\]"
)
"""A regular expression for `re` and RE2; its groups are the base64 of data, nonce and tag, and the type."""


def write_ciphertext(data: bytes, nonce: bytes, tag: bytes, kind: str) -> bytes:
    """A ciphertext of its parts, which are base64 already."""
    return b"".join((SIGN_BYTES, b"data:", data, b",iv:%b,tag:%b,type:%b]" % (nonce, tag, kind.encode())))


def read_ciphertext(text: str) -> re.Match[str] | None:
    """The parts of a ciphertext as the groups of `FORM`, or None for anything else."""
    if not text.startswith(SIGN):
        return None
    match = _form().fullmatch(text)
    return match if match is not None and is_whole(match) else None


def is_ciphertext(value: object) -> bool:
    """Whether a value is a ciphertext; white space around it does not matter, as in block scalars."""
    return isinstance(value, str) and read_ciphertext(value.strip()) is not None


def is_encrypted_comment(value: object) -> bool:
    """Whether a value is the ciphertext of a comment: sops writes comments in lists as items."""
    match = read_ciphertext(value) if isinstance(value, str) else None
    return match is not None and match[4] == "comment"


def may_hold_encrypted_comment(data: bytes) -> bool:
    """Whether a `#` before the start of a ciphertext stands in a file."""
    return SIGN_BYTES in data and re.search(rb"#[ \t]*" + re.escape(SIGN_BYTES), data) is not None


def find_ciphertexts(data: bytes) -> Iterator[bytes]:
    """The ciphertexts in a file."""
    if SIGN_BYTES in data:
        yield from (match[0] for match in _form_in_bytes().finditer(data) if is_whole(match))


def is_whole(match: re.Match[str] | re.Match[bytes]) -> bool:
    """Whether the data in a match of `FORM` is as long as base64 can be; asking in `FORM` would be slow."""
    return (match.end(1) - match.start(1)) % 4 == 0


@cache
def _form() -> re.Pattern[str]:
    return re.compile(FORM)


@cache
def _form_in_bytes() -> re.Pattern[bytes]:
    return re.compile(FORM.encode())
