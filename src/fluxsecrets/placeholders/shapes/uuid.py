"""A UUID: a random one (version 4, RFC 9562), in the case of the original."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.model import Maker, Shape

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def _make(text: str, maker: Maker) -> str | None:
    if _UUID.fullmatch(text) is None:
        return None
    number = int.from_bytes(maker.draw("uuid", text.lower()).bytes(16), "big")
    number = number & ~(0xF << 76) & ~(0x3 << 62) | 4 << 76 | 2 << 62
    found = f"{number:032x}"
    found = "-".join((found[:8], found[8:12], found[12:16], found[16:20], found[20:]))
    return found.upper() if text != text.lower() else found


SHAPE = Shape("uuid", _make)
