"""What to take over into each document of ours, and the text that comes of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.document import Data, Document
from fluxsecrets.sops.formats import Edit, Format, Limits

from .documents import DocumentChange, document_edits, with_documents
from .holding import Trial, encoded
from .model import Side
from .remarks import Remarks, Version
from .spans import PartSide, Text
from .threeway import Decision, decided, plain
from .units import Unit, UnitMaker


@dataclass
class Plan:
    """What to do with each document of ours.

    Attributes:
        sides: the file on each side that has it.
        places: for each document, its number on each side that has it.
        decisions: what to take over, by the document's position in `places`.
        documents: which documents to put in and to take out.
        data: each side's documents as plain data.
    """

    sides: Mapping[Side, Document]
    places: list[dict[Side, int]] = field(default_factory=list)
    decisions: dict[int, list[Decision]] = field(default_factory=dict)
    documents: list[DocumentChange] = field(default_factory=list)
    data: dict[Side, list[Data]] = field(init=False)

    def __post_init__(self) -> None:
        """Read the data once."""
        self.data = {side: [plain(part) for part in each.parts] for side, each in self.sides.items()}

    def side_data(self, number: int) -> dict[Side, Data]:
        """What each side that has a document has in it."""
        return {side: self.data[side][place] for side, place in self.places[number].items()}


class Made(NamedTuple):
    """A text that was made of ours, and the edits that make it."""

    data: bytes
    edits: list[Edit]


def carry_out(format_: Format, plan: Plan, limits: Limits, *, remarks: bool = False) -> Made | None:
    """Make the text.

    Args:
        format_: of all sides.
        plan: what to take over.
        limits: for reading the texts that are tried.
        remarks: take over comments that only theirs changed, too.

    Returns:
        None if no text holds what the plan wants.
    """
    ours = plan.sides[Side.OURS]
    # A document that is put in comes behind what is added to the one in front of it.
    try:
        whole = list(_document_units(format_, plan, limits))
    except FluxsecretsError:
        return None  # with ours' sops block, theirs is beyond the limits
    units = sorted([*whole, *_value_units(format_, plan)], key=_part)
    if remarks:
        units += _comment_units(plan, [edit for unit in units for edit in unit.edits])
    if not units:
        return Made(encoded(ours), [])
    numbers = {places[Side.OURS]: number for number, places in enumerate(plan.places) if Side.OURS in places}

    def wanted(some: Sequence[Unit]) -> list[Data]:
        parts = list(plan.data[Side.OURS])
        chosen: dict[int, list[Decision]] = {}
        for unit in some:
            if unit.decisions:
                chosen.setdefault(unit.part, []).extend(unit.decisions)
        for part, decisions in chosen.items():
            parts[part] = decided(parts[part], plan.side_data(numbers[part]), decisions)
        return with_documents(parts, [change for unit in some for change in unit.documents])

    data = Trial(format_, ours, limits, wanted).settle(units)
    return None if data is None else Made(data, [edit for unit in units for edit in unit.edits])


def _part(unit: Unit) -> int:
    return unit.part


def _value_units(format_: Format, plan: Plan) -> Iterator[Unit]:
    texts = {side: Text(document) for side, document in plan.sides.items()}
    changer = cache(lambda: format_.changer(plan.sides[Side.OURS]))
    for number, decisions in plan.decisions.items():
        side_data = plan.side_data(number)
        sides = {side: PartSide(texts[side], place) for side, place in plan.places[number].items()}
        merged = decided(side_data[Side.OURS], side_data, decisions)
        yield from UnitMaker(changer, sides, merged).units(decisions)


def _comment_units(plan: Plan, edits: Sequence[Edit]) -> Iterator[Unit]:
    """Units that take over comments, except where the text around them changes anyway."""
    spans = sorted((start, end) for start, end, _ in edits)
    texts = {side: Text(document) for side, document in plan.sides.items()}
    for places in plan.places:
        versions = {
            side: Version(texts[side], plan.sides[side].parts[place], place) for side, place in places.items()
        }
        if Side.OURS not in versions or Side.THEIRS not in versions:
            continue
        remarks = Remarks(versions.get(Side.BASE), versions[Side.OURS], versions[Side.THEIRS])
        for made in remarks.edits():
            if not any(_meets(spans, start, end) for start, end, _ in made):
                yield Unit(places[Side.OURS], (), iter(()), (), made, optional=True)


def _meets(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a span overlaps one of several that don't overlap each other."""
    place = bisect_left(spans, (start, start))
    before = spans[place - 1] if place else (0, 0)
    return before[1] > start or (place < len(spans) and spans[place][0] < end)


def _document_units(format_: Format, plan: Plan, limits: Limits) -> Iterator[Unit]:
    ours = plan.sides[Side.OURS]
    needed = {change.side for change in plan.documents if change.side is not None}
    sides = {side: _with_block(format_, plan.sides[side], ours, limits) for side in needed}
    found = document_edits(ours, sides, plan.documents) if plan.documents else []
    for change, edits in zip(plan.documents, found, strict=True):
        yield Unit(change.place, (), iter(()), (change,), edits)


def _with_block(format_: Format, document: Document, like: Document, limits: Limits) -> Document:
    """A document with the sops block of another one, so that a part of its text can go there.

    Only the block of the first YAML document was read: those of the others may be anything.
    """
    if document.metadata == like.metadata and len(document.parts) == 1:
        return document
    return format_.parse(format_.rewrite(document, (), like.metadata), limits)
