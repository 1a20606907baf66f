"""Make placeholders: of a value, of bytes, and of a ciphertext that nobody opens."""

from __future__ import annotations

from fluxsecrets.sops.values import Timestamp, Value, format_float

from .ciphertexts import specimen
from .key import PlaceholderKey
from .mark import mark_of
from .model import Maker
from .numbers import exchange, flip
from .shapes import SHAPES
from .shapes.times import timestamp

__all__ = ["ciphertext_placeholder", "placeholder", "placeholder_bytes"]

LONGEST = 2**20
"""Characters of a text that is taken apart. A longer one has the placeholder of a text without a shape."""

_BINARY = b"\x00masked\xff"
_SIZES = (64, 512, 4096)
_MARK_BYTES = 8


def placeholder(value: Value, key: PlaceholderKey, *, name: str) -> Value:
    """Return a value of the same type and shape, which says nothing else of it.

    Null and empty texts stay. docs/masked.md says what a placeholder tells.

    Args:
        value: the value, decrypted. Base64 under `data:` of a Secret is decoded first: `placeholder_bytes`.
        key: equal values have equal placeholders under one key. Booleans, and numbers of up to 16 bits, need
            the same name, too.
        name: the last key of the value's path, or its file's name.
    """
    match value:
        case str():
            found: Value = _text(value, key, name)
        case bytes():
            found = placeholder_bytes(value, key, name=name)
        case bool():
            found = flip(value, key, name=name)
        case int():
            found = _integer(value, key, name)
        case float():
            found = _float(value, key, name)
        case Timestamp():
            found = timestamp(key.draw("time", value.text))
        case None:
            found = None
    return found


def placeholder_bytes(data: bytes, key: PlaceholderKey, *, name: str) -> bytes:
    """Return the placeholder of decoded base64 or of a whole file; bytes that are not text have no structure.

    Args:
        data: what was decoded.
        key: the key.
        name: as for `placeholder`.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _binary(data, key)
    if any(sign < " " and sign not in "\t\r\n" for sign in text):
        return _binary(data, key)
    return _text(text, key, name).encode()


def ciphertext_placeholder(text: str, *, name: str, base64: bool = False) -> Value:
    """Return what takes the place of a value that can't be decrypted.

    It is made of the ciphertext alone: it is the same in every run, and a value that is encrypted again has
    another one. The type is that of the ciphertext, and the name says the shape.

    Args:
        text: the ciphertext, or the encrypted value of a SealedSecret, or what names a value in a store.
        name: as for `placeholder`.
        base64: the value is under `data:` of a Secret, so that the placeholder has to be base64.
    """
    return specimen(text, name=name, base64=base64)


def shape_of(text: str, *, name: str = "") -> str:
    """Return the name of the shape that a text has: `url`, `pem`, or `text` where it has none."""
    return Maker(PlaceholderKey.derived(b""), name, SHAPES).shape_of(text)


def _text(text: str, key: PlaceholderKey, name: str) -> str:
    if text == "":
        return text
    maker = Maker(key, name, SHAPES)
    return maker.mark(text) if len(text) > LONGEST else maker.whole(text)


def _integer(value: int, key: PlaceholderKey, name: str) -> int:
    sign = -1 if value < 0 else 1
    found = exchange(abs(value), key, name=name)
    if found is None:  # -2**63, and what other programs write beyond 64 bits
        return sign * (2**62 + key.draw("large number", str(value)).below(2**62))
    return sign * found


def _float(value: float, key: PlaceholderKey, name: str) -> float:
    """Return a number with a fraction; its whole part is exchanged as an integer."""
    whole = abs(int(value)) if abs(value) < 2**53 else 0
    fraction = 1 + key.draw("fraction", format_float(value)).below(9998)
    found = float(f"{exchange(whole, key, name=name)}.{fraction:04}")
    return -found if value < 0 else found


def _binary(data: bytes, key: PlaceholderKey) -> bytes:
    """Return bytes that are not UTF-8, as the data, of one of three lengths."""
    draw = key.draw("binary", data)
    size = next((size for size in _SIZES if len(data) <= size), _SIZES[-1])
    return (_BINARY + mark_of(draw.bytes(_MARK_BYTES), _MARK_BYTES // 2).encode() + draw.bytes(size))[:size]
