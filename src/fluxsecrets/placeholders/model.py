"""What a shape is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .key import Draw, PlaceholderKey
from .mark import WORDS, mark_of, words_for

DEEPEST = 6
"""Texts within texts that are taken apart: JSON in base64 in a line of dotenv has three."""

LONGEST = 2**20
"""Characters of a text that is taken apart; a longer one gets a mark."""


_MOST_SPACE = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """A form that a value can have.

    Attributes:
        name: what users call it.
        make: returns the placeholder of a text, or None if the text does not have the form. The text has no
            white space around it.
    """

    name: str
    make: Callable[[str, Maker], str | None]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the placeholders of a value and of its parts.

    Attributes:
        key: the key.
        name: the name of the value: the last key of its path, or its file's name.
        shapes: the shapes, the first one that fits is taken.
        depth: how many texts the value is inside of.
    """

    key: PlaceholderKey
    name: str
    shapes: tuple[Shape, ...]
    depth: int = 0

    def part(self, text: str, name: str | None = None) -> str:
        """Return the placeholder of a part, which has a shape of its own."""
        if self.depth >= DEEPEST:
            return self.mark(text)
        return replace(self, name=self.name if name is None else name, depth=self.depth + 1).whole(text)

    def whole(self, text: str) -> str:
        """Return the placeholder of a text; white space around it stays."""
        core = text.strip()
        if not core:
            return _space(text)
        at = text.index(core)
        return f"{_space(text[:at])}{self._shaped(core)}{_space(text[at + len(core) :])}"

    def _shaped(self, core: str) -> str:
        found = None
        if len(core) <= LONGEST:
            found = next(filter(None, (shape.make(core, self) for shape in self.shapes)), None)
        return self.mark(core) if found is None else found

    def shape_of(self, text: str) -> str:
        """Return the name of the shape that a text has."""
        core = text.strip()
        if not core:
            return "text"
        return next((shape.name for shape in self.shapes if shape.make(core, self) is not None), "text")

    def mark(self, text: str) -> str:
        """Return the mark of a text: all that is shown of it is one of three lengths."""
        words = words_for(len(text))
        return mark_of(self.draw("mark", text).bytes(2 * words), words)

    def label(self, text: str) -> str:
        """Return the shortest mark of a text: a label of a host has up to 63 characters."""
        return mark_of(self.draw("mark", text).bytes(2 * WORDS[0]), WORDS[0])

    def draw(self, *parts: bytes | str) -> Draw:
        """Return the bytes that belong to some parts: what they are for, then what they come from."""
        return self.key.draw(*parts)


def _space(text: str) -> str:
    """White space: up to eight usual signs as they are, otherwise one."""
    if len(text) <= _MOST_SPACE and set(text) <= set(" \t\r\n"):
        return text
    return "\n" if "\n" in text else " "
