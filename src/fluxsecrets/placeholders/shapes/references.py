"""A text with references that Flux replaces, such as `${USER}:hunter2`: the references stay."""

from __future__ import annotations

from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.variables import around, holds_variable


def _make(text: str, maker: Maker) -> str | None:
    return around(text, maker.mark) if holds_variable(text) and "\n" not in text else None


SHAPE = Shape("references", _make)
