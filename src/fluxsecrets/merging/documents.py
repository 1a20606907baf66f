"""YAML documents of a file that one side added or removed: put in and taken out with their text."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from fluxsecrets.sops.document import Data, Document
from fluxsecrets.sops.formats import Edit, Limits, newline_of

from .model import Side
from .pairing import Pairing

_MARKER = "---"
_NO_LIMITS = Limits(size=2**62, depth=10**6, expansion=2**62)
"""The documents were read within limits already."""


class DocumentChange(NamedTuple):
    """A document to put in, to take out, or to put in place of another one.

    Attributes:
        place: in front of which document of ours it goes, or which one is taken out or replaced.
        side: where it is taken from; None to take one out.
        number: its number there.
        data: what it holds.
        replaces: it takes the place of ours' document.
    """

    place: int
    side: Side | None = None
    number: int = 0
    data: Data = None
    replaces: bool = False


class Places:
    """Where documents go that ours doesn't have: behind those that are in front of them in theirs."""

    def __init__(self, pairings: Sequence[Pairing], count: int) -> None:
        """Take all documents of a file, and how many of them ours has."""
        self._count = count
        self._numbers: dict[Side, list[int]] = {}
        self._places: dict[Side, list[int]] = {}
        for side in (Side.THEIRS, Side.BASE):
            numbered = [(_number(each, side), each.ours) for each in pairings]
            known = sorted(each for each in numbered if None not in each)
            self._numbers[side] = [number for number, _ in known if number is not None]
            self._places[side] = [place for _, place in known if place is not None]
        self._highest = {side: list(accumulate(places, max)) for side, places in self._places.items()}

    def of(self, pairing: Pairing) -> int:
        """In front of which document of ours a document goes."""
        for side in (Side.THEIRS, Side.BASE):
            own = _number(pairing, side)
            if own is None:
                continue
            before = bisect_left(self._numbers[side], own)
            if before:
                return self._highest[side][before - 1] + 1
            return min(self._places[side], default=self._count)
        return self._count


def _number(pairing: Pairing, side: Side) -> int | None:
    return pairing.theirs if side is Side.THEIRS else pairing.base


def with_documents(parts: Sequence[Data], changes: Sequence[DocumentChange]) -> list[Data]:
    """The data of all documents with some put in or taken out."""
    added: dict[int, list[Data]] = {}
    others: dict[int, list[Data]] = {}
    for change in changes:
        if change.side is not None and not change.replaces:
            added.setdefault(change.place, []).append(change.data)
        else:
            others[change.place] = [change.data] if change.replaces else []
    result: list[Data] = []
    for place in range(len(parts) + 1):
        result += added.get(place, ())
        result += others.get(place, parts[place : place + 1])
    return result


def merged_numbers(count: int, changes: Sequence[DocumentChange]) -> list[int | None]:
    """The number that each document of ours has in the merged text; None if it is taken out."""
    added = Counter(change.place for change in changes if change.side is not None and not change.replaces)
    gone = {change.place for change in changes if change.side is None}
    numbers: list[int | None] = []
    number = 0
    for place in range(count):
        number += added[place]
        numbers.append(None if place in gone else number)
        number += place not in gone
    return numbers


def document_edits(
    ours: Document, sides: Mapping[Side, Document], changes: Sequence[DocumentChange]
) -> list[list[Edit]]:
    """The edits of ours' text for each change.

    Args:
        ours: the text that is changed.
        sides: the other sides, with the sops block that the merged text has.
        changes: what to put in and take out.
    """
    source, newline = ours.source, newline_of(ours.source)
    starts = _starts(source)
    ends = [*starts[1:], len(source)]
    last = {change.place: change for change in changes if change.side is not None and not change.replaces}
    gone = {change.place for change in changes if change.side is None}
    others = {side: [*_starts(document.source), len(document.source)] for side, document in sides.items()}
    found: list[list[Edit]] = []
    for change in changes:
        text = ""
        if change.side is not None:
            text = _text(sides[change.side].source, others[change.side], change.number)
            text = text.replace("\r\n", "\n").replace("\n", newline)
        if change.place == len(starts):
            lead = "" if source.endswith("\n") else newline
            found.append([(len(source), len(source), lead + text)])
            continue
        place = starts[change.place]
        marked = source.startswith(_MARKER, place)
        if change.side is None or change.replaces:
            text = text if marked else text.removeprefix(_MARKER + newline)
            found.append([(place, ends[change.place], text)])
            continue
        if not marked:
            # Only the first document can be without a marker: it needs one behind what goes in front of it.
            needed = last[change.place] is change and change.place not in gone
            place, text = 0, f"{text}{_MARKER}{newline}" if needed else text
        found.append([(place, place, text)])
    return found


def _starts(source: str) -> list[int]:
    from fluxsecrets.sops.formats.yaml.nodes import parse_nodes  # only YAML has several documents

    return [document.start for document in parse_nodes(source, _NO_LIMITS)]


def _text(source: str, starts: Sequence[int], number: int) -> str:
    """A document's text, from its marker to the next one."""
    start = starts[number]
    marked = source.startswith(_MARKER, start)
    text = source[start if marked else 0 : starts[number + 1]]
    text = text if text.endswith("\n") else f"{text}\n"
    return text if marked else f"{_MARKER}\n{text}"
