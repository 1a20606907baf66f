"""The shapes of texts, one kind per file. The first one that fits is taken, so strict ones come first."""

from __future__ import annotations

from fluxsecrets.placeholders.model import Shape

from . import scalars, times, uuid

SHAPES: tuple[Shape, ...] = (
    uuid.SHAPE,
    scalars.BOOLEAN,
    times.SHAPE,
    scalars.AMOUNT,
    scalars.NUMBER,
)
"""All of them; a text that has none of these shapes gets a mark."""
