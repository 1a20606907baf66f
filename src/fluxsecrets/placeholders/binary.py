"""Bytes that are not text: key stores, keytabs, archives."""

from __future__ import annotations

from .key import PlaceholderKey
from .mark import mark_of

_START = b"\x00masked\xff"
_SIZES = (64, 512, 4096)
_MARK_BYTES = 8


def binary(data: bytes, key: PlaceholderKey) -> bytes:
    """Return bytes that are not UTF-8, as the data, of one of three lengths.

    kustomize writes bytes that are UTF-8 as text, so that these must not become so.
    """
    draw = key.draw("binary", data)
    size = next((size for size in _SIZES if len(data) <= size), _SIZES[-1])
    return (_START + mark_of(draw.bytes(_MARK_BYTES), _MARK_BYTES // 2).encode() + draw.bytes(size))[:size]
