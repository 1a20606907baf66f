"""Edits that are tried: the text counts only if it holds, read again, exactly what was wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.sops.comparison import same_data
from fluxsecrets.sops.document import Comment, Data, Document, Path
from fluxsecrets.sops.formats import Edit, Format, Limits, apply_edits, encode_text

from .threeway import plain
from .units import Unit

_READ_AGAIN = 2**26
"""How many characters are read again at most while ways are looked for that hold."""

Wanted = Callable[[Sequence[Unit]], list[Data]]
"""The data of all documents once some units are carried out."""


class Trial:
    """Tries edits on one document."""

    def __init__(self, format_: Format, document: Document, limits: Limits, wanted: Wanted) -> None:
        """Take the document, and what says what it is to hold."""
        self._format, self._document, self._limits, self._wanted = format_, document, limits, wanted
        self._tries = min(200, max(12, _READ_AGAIN // (len(document.source) + 1)))

    def settle(self, units: Sequence[Unit]) -> bytes | None:
        """The text with all units, each in the first of its ways that holds; None if there is none.

        Optional units that don't hold are given up.
        """
        data = self._made(units)
        if data is None and self._mended(units):
            data = self._made(units)
        if data is None and any(unit.optional for unit in units):
            for unit in units:
                unit.edits = [] if unit.optional else unit.edits
            data = self._made(units)
        return data

    def _mended(self, units: Sequence[Unit]) -> bool:
        """Whether each unit has a way that holds, by itself; units that do are told apart by halves."""
        if self._made(units) is not None:
            return True
        if len(units) > 1:
            middle = len(units) // 2
            return self._mended(units[:middle]) and self._mended(units[middle:])
        unit = units[0]
        while self._tries > 0 and unit.next_way():
            if self._made(units) is not None:
                return True
        unit.edits = [] if unit.optional else unit.edits
        return unit.optional

    def _made(self, units: Sequence[Unit]) -> bytes | None:
        """The text with the units as they are now, if it holds."""
        self._tries -= 1
        if self._tries < 0 or any(not unit.edits and not unit.optional for unit in units):
            return None
        edits = [edit for unit in units for edit in unit.edits]
        if _overlap(edits):
            return None
        source = apply_edits(self._document.source, edits)
        data = encode_text(source, bom=has_bom(self._document))
        try:
            found = self._format.parse(data, self._limits)
        except FluxsecretsError:
            return None
        wanted = self._wanted(units)
        held = (
            found.metadata == self._document.metadata
            and len(found.parts) == len(wanted)
            and all(same_data(plain(part), data) for part, data in zip(found.parts, wanted, strict=True))
            and not comments(self._document, edits) - comments(found)
        )
        return data if held else None


def has_bom(document: Document) -> bool:
    """Whether a byte order mark stands in front of the text, beside the source."""
    return bool(getattr(document.layout, "bom", False))


def encoded(document: Document) -> bytes:
    """The bytes that a document was read from."""
    return encode_text(document.source, bom=has_bom(document))


def comments(document: Document, edits: Sequence[Edit] = ()) -> Counter[tuple[Path, str]]:
    """The comments outside of all replaced spans; encrypted ones with the map keys that lead to them.

    An encrypted comment is bound to its map. A plain one may come to belong to another map, since go-yaml
    decides by what is around it.
    """
    replaced = sorted((start, end) for start, end, _ in edits if start < end)
    found: Counter[tuple[Path, str]] = Counter()
    place = 0
    items = sorted(
        (item for item in document.items if isinstance(item, Comment)), key=lambda item: item.start
    )
    for item in items:
        while place < len(replaced) and replaced[place][1] <= item.start:
            place += 1
        if place < len(replaced) and replaced[place][0] <= item.start:
            continue
        found.update(comment_keys(item, document.format))
    return found


def comment_keys(comment: Comment, format_name: str) -> list[tuple[Path, str]]:
    """What tells a comment from others, line by line: INI joins those that are below each other."""
    keys = tuple(step for step in comment.path if isinstance(step, str))
    blanks = " \t\r#;" if format_name == "ini" else None
    lines = (line.strip(blanks) for line in comment.text.splitlines())
    return [(keys if is_ciphertext(line) else (), line) for line in lines if line]


def _overlap(edits: Sequence[Edit]) -> bool:
    position = 0
    for start, end, _ in sorted(edits, key=lambda edit: edit[:2]):
        if start < position:
            return True
        position = end
    return False
