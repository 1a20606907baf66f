"""An absolute path: a path with one mark. How deep it is stays hidden."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.model import Maker, Shape

_PATH = re.compile(r"(?:/[A-Za-z0-9_.@-]+)+/?", re.ASCII)


def _make(text: str, maker: Maker) -> str | None:
    if text[0] != "/" or _PATH.fullmatch(text) is None:
        return None
    return f"/{maker.mark(text)}{'/' if text.endswith('/') else ''}"


SHAPE = Shape("path", _make)
