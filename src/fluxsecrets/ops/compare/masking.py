"""Turn values into shapes and tokens."""

from __future__ import annotations

import os
from hashlib import blake2b

from fluxsecrets.marks import read_ciphertext
from fluxsecrets.sops.values import Value, canonical_bytes, type_name

from .model import LengthClass, Masked, Shape
from .tokens import decoded_length, has_length, length_range, token_text

_TOKEN_BYTES = 6


def length_class(length: int) -> LengthClass:
    """The class of a length in bytes."""
    return LengthClass(*length_range(length))


def shape_of(kind: str, length: int) -> Shape:
    """The shape of a value."""
    return Shape(kind, length_class(length) if has_length(kind) else None)


def shape_of_ciphertext(text: str, *, base64: bool = False) -> Shape | None:
    """The shape of an encrypted value, which everybody can see; None if it is not a ciphertext.

    Args:
        text: the ciphertext.
        base64: the value is base64, and the length of what it decodes to is wanted. How much padding there is
            only the key can tell, so the class may be the next one.
    """
    match = read_ciphertext(text.strip())
    if match is None:
        return None
    data = match[1]
    length = decoded_length(data)
    return shape_of(match[4], length // 4 * 3 if base64 else length)


class Masker:
    """Masks values; tokens of two maskers can't be compared.

    The key of the tokens is random, and nobody sees it: a token can't be searched for offline. Anyone who may
    choose plain text and see the tokens could test guesses, so plain text has tokens of its own.
    """

    __slots__ = ("_key",)

    def __init__(self) -> None:
        """Make a key."""
        self._key = os.urandom(32)

    def __repr__(self) -> str:
        """Say nothing of the key."""
        return "Masker(hidden)"

    def masked(self, value: Value, *, encrypted: bool) -> Masked:
        """A value without its content.

        Args:
            value: the value; base64 under `data:` of a Secret is decoded by the caller.
            encrypted: whether it is encrypted where it is.
        """
        data = canonical_bytes(value)
        kind = "null" if value is None else type_name(value)
        return Masked(shape_of(kind, len(data)), self._token(data, encrypted=encrypted))

    def _token(self, data: bytes, *, encrypted: bool) -> str:
        person = b"encrypted" if encrypted else b"plain"
        digest = blake2b(data, digest_size=_TOKEN_BYTES, key=self._key, person=person).digest()
        return token_text(digest)
