"""Placeholders without keys: the type and the length come from the ciphertext, the shape from the name."""

from __future__ import annotations

from base64 import b64encode

from fluxsecrets.marks import read_ciphertext
from fluxsecrets.sops.values import Value

from .key import PUBLIC, Draw
from .mark import WORDS, mark_of, words_for
from .numbers import CLASSES
from .shapes.times import timestamp


def specimen(text: str, *, name: str, base64: bool) -> Value:
    """Return a value that fits a ciphertext.

    Args:
        text: the ciphertext; anything else counts as that of a text of unknown length.
        name: the name of the value.
        base64: the plain text is base64, and the placeholder has to be.
    """
    match = read_ciphertext(text.strip())
    draw = PUBLIC.draw("ciphertext", text.strip())
    kind = "str" if match is None else match[4]
    length = 0 if match is None else len(match[1]) // 4 * 3 - match[1].count("=")
    if kind in ("str", "bytes", "comment"):
        found = _text(draw, length // 4 * 3 if base64 else length, name)
        return b64encode(found.encode()).decode() if base64 else found
    return _typed(kind, length, draw)


def _typed(kind: str, length: int, draw: Draw) -> Value:
    if kind == "bool":
        return bool(draw.below(2))
    if kind == "time":
        return timestamp(draw)
    low, high = next((low, high) for low, high in CLASSES if length <= len(str(high)) or high >= 2**62)
    whole = low + draw.below(high - low + 1)
    return whole if kind == "int" else float(f"{whole % 2**16}.{1 + draw.apart('fraction').below(9998):04}")


def _text(draw: Draw, length: int, name: str) -> str:
    words = words_for(length) if length else WORDS[0]
    return mark_of(draw.bytes(2 * words), words)
