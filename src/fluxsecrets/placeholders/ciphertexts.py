"""Placeholders without keys: the type and the length come from the ciphertext, the shape from the name."""

from __future__ import annotations

from base64 import b64encode

from fluxsecrets.marks import read_ciphertext
from fluxsecrets.sops.values import Value

from .byname import text_for
from .key import Draw
from .model import Maker
from .numbers import CLASSES
from .times import timestamp


def specimen(text: str, maker: Maker, *, base64: bool) -> Value:
    """Return a value that fits a ciphertext.

    Args:
        text: the ciphertext; anything else counts as that of a text of unknown length.
        maker: it has the value's name, and a key that everybody knows.
        base64: the plain text is base64, and the placeholder has to be.
    """
    match = read_ciphertext(text.strip())
    draw = maker.draw("ciphertext", text.strip())
    kind = "str" if match is None else match[4]
    length = 0 if match is None else len(match[1]) // 4 * 3 - match[1].count("=")
    if kind in ("str", "bytes", "comment"):
        found = text_for(draw, length // 4 * 3 if base64 else length, maker)
        return b64encode(found.encode()).decode() if base64 else found
    return _typed(kind, length, draw)


def _typed(kind: str, length: int, draw: Draw) -> Value:
    """Return a value of a type. Digits say its class; a sign or a point counts as one, which does no harm."""
    if kind == "bool":
        return bool(draw.below(2))
    if kind == "time":
        return timestamp(draw)
    low, high = next(
        (low, high) for low, high in CLASSES if length <= len(str(high)) or (low, high) == CLASSES[-1]
    )
    whole = low + draw.below(high - low + 1)
    return whole if kind == "int" else float(f"{whole % 2**16}.{1 + draw.apart('fraction').below(9998):04}")
