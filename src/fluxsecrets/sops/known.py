"""What a text should hold while it is read again: equal paths and strings are kept once for both readings.

Every text is read again before it leaves, beside the document that it was made of. In a large file, what both
have in common would be there twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from .document import Path
from .values import Value

_LARGE = 2**18
"""Bytes of a text. Smaller ones are read sooner without this."""


class Known:
    """Paths and values of a document in order; a reader exchanges what it has read for what is equal."""

    __slots__ = ("_items", "_path", "_value")

    def __init__(self, items: Iterable[tuple[Path, Value]]) -> None:
        """Take the items; they need not be what the text holds."""
        self._items = iter(items)
        self._path: Path = ()
        self._value: Value = None
        self._advance()

    def key(self, depth: int, key: str) -> str:
        """The same key, of a map at a depth, as the next value has it in its path."""
        path = self._path
        if len(path) > depth:
            known = path[depth]
            if isinstance(known, str) and known == key:
                return known
        return key

    def value(self, path: Path, value: Value) -> tuple[Path, Value]:
        """The same path and value. Only strings are exchanged: equal numbers may be of two types."""
        if path != self._path:
            return path, value
        path, known = self._path, self._value
        self._advance()
        return path, known if type(value) is str and type(known) is str and value == known else value

    def _advance(self) -> None:
        self._path, self._value = next(self._items, ((), None))


def is_large(data: bytes) -> bool:
    """Whether a text is so large that two readings of it take much memory."""
    return len(data) > _LARGE


def known_of(data: bytes, items: Iterable[tuple[Path, Value]]) -> Known | None:
    """What to read a text with; None for one that is small."""
    return Known(items) if is_large(data) else None
