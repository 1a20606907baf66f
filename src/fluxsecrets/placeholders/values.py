"""Make placeholders: of a value, of bytes, and of a ciphertext that nobody opens."""

from __future__ import annotations

from fluxsecrets.sops.values import Value

from .binary import binary
from .ciphertexts import specimen
from .key import PUBLIC, PlaceholderKey
from .model import Maker
from .shapes import SHAPES
from .typed import typed

__all__ = ["ciphertext_placeholder", "placeholder", "placeholder_bytes", "shape_of"]


def placeholder(value: Value, key: PlaceholderKey, *, name: str) -> Value:
    """Return a value of the same type and shape, which says nothing else of it.

    Null and empty texts stay. docs/placeholders.md says what a placeholder tells.

    Args:
        value: the value, decrypted. Base64 under `data:` of a Secret is decoded first: `placeholder_bytes`.
        key: equal values have equal placeholders under one key. Booleans, and numbers of up to 16 bits, need
            the same name, too.
        name: the last key of the value's path, or its file's name.
    """
    return typed(value, Maker(key, name, SHAPES), name)


def placeholder_bytes(data: bytes, key: PlaceholderKey, *, name: str) -> bytes:
    """Return the placeholder of decoded base64 or of a whole file.

    Args:
        data: what was decoded. If it is text, it is masked as one.
        key: the key.
        name: as for `placeholder`.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return binary(data, key)
    if any(sign < " " and sign not in "\t\r\n" for sign in text):
        return binary(data, key)
    return Maker(key, name, SHAPES).whole(text).encode()


def ciphertext_placeholder(text: str, *, name: str, base64: bool = False) -> Value:
    """Return what takes the place of a value that can't be decrypted.

    It is made of the ciphertext alone: it is the same in every run, and a value that is encrypted again has
    another one. The type is that of the ciphertext, and the name says the shape.

    Args:
        text: the ciphertext, or the encrypted value of a SealedSecret, or what names a value in a store.
        name: as for `placeholder`.
        base64: the value is under `data:` of a Secret, so that the placeholder has to be base64.
    """
    return specimen(text, Maker(PUBLIC, name, SHAPES), base64=base64)


def shape_of(text: str, *, name: str = "") -> str:
    """Return the name of the shape that a text has: `url`, `pem`, or `text` if it has none."""
    return Maker(PUBLIC, name, SHAPES).shape_of(text)
