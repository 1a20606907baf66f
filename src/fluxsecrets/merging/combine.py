"""Three versions of a file -> the merged text, and the values on which the sides disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from fluxsecrets.sops.document import Data, Document, Entry, Leaf, Node, Path
from fluxsecrets.sops.document import Mapping as MappingNode
from fluxsecrets.sops.formats import Format, Limits

from .holding import Trial, encoded
from .model import MISSING, Conflict, Merged, Side
from .pairing import Pairing, pair
from .spans import Text
from .threeway import Decision, Disagreement, decided, merge_data, plain
from .units import PartSide, Unit, UnitMaker

Picks = Mapping[tuple[int, Path], Side]
"""Which side to take for conflicts: by the document's number in ours, and the path."""


def merge(
    format_: Format,
    base: Document | None,
    ours: Document,
    theirs: Document,
    limits: Limits,
    picks: Picks = {},  # noqa: B006 - never changed
) -> Merged:
    """Merge what theirs changed since the base into ours.

    Two values are equal if their text is: make equal values have equal ciphertexts first, if you have the
    data key. Order, comments and layout are those of ours. The text is read again and compared with the
    wanted data before it is returned; if no text holds these, the file as a whole is the conflict.

    Args:
        format_: of all three.
        base: what both sides come from; None if both added the file.
        ours: the side whose text and sops block are kept.
        theirs: the side whose changes are taken over.
        limits: for reading the result.
        picks: the side to take for conflicts that are settled.

    Returns:
        The text, with ours' value for each conflict.
    """
    shortcut = _shortcut(base, ours, theirs)
    if shortcut is not None:
        return Merged(encoded(shortcut))
    documents = [document for document in (base, ours, theirs) if document is not None]
    if format_.single_value or any(_repeats(part) for document in documents for part in document.parts):
        return _whole(base, ours, theirs)
    plan = _plan(base, ours, theirs, picks)
    if plan is None:
        return _whole(base, ours, theirs)
    return _carried_out(format_, plan, base, ours, theirs, limits)


def _shortcut(base: Document | None, ours: Document, theirs: Document) -> Document | None:
    """The side whose text is the result to the byte."""
    if encoded(ours) == encoded(theirs):
        return ours
    if base is not None and encoded(theirs) == encoded(base):
        return ours
    if base is not None and encoded(ours) == encoded(base):
        return theirs
    return None


def _whole(base: Document | None, ours: Document, theirs: Document) -> Merged:
    """The file as a whole is the conflict."""
    before, own, other = (
        MISSING if side is None else _single([plain(part) for part in side.parts])
        for side in (base, ours, theirs)
    )
    return Merged(encoded(ours), (Conflict(0, (), before, own, other),), whole=True)


def _single(parts: list[Data]) -> Data:
    return parts[0] if len(parts) == 1 else parts


def _repeats(node: Node) -> bool:
    """Whether a key is in a map twice, as dotenv and INI allow; which one is meant can't be told."""
    if not isinstance(node, MappingNode):
        return False
    keys = [entry.key for entry in node.entries if isinstance(entry, Entry)]
    return len(set(keys)) < len(keys) or any(
        _repeats(entry.value)
        for entry in node.entries
        if isinstance(entry, Entry) and not isinstance(entry.value, Leaf)
    )


@dataclass
class _Plan:
    """What to do with each document of ours.

    Attributes:
        data: each side's documents as plain data.
        pairings: the documents of all sides that belong together.
        decisions: what to take over, by the number of the pairing.
        conflicts: in document order.
    """

    data: dict[Side, list[Data]]
    pairings: list[Pairing]
    decisions: dict[int, list[Decision]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


def _plan(base: Document | None, ours: Document, theirs: Document, picks: Picks) -> _Plan | None:
    data = {
        side: [plain(part) for part in document.parts]
        for side, document in ((Side.BASE, base), (Side.OURS, ours), (Side.THEIRS, theirs))
        if document is not None
    }
    plan = _Plan(data, pair(data.get(Side.BASE), data[Side.OURS], data[Side.THEIRS]))
    for number, pairing in enumerate(plan.pairings):
        before, own, other = (
            MISSING if place is None else data[side][place]
            for side, place in zip((Side.BASE, Side.OURS, Side.THEIRS), pairing, strict=True)
        )

        def pick(path: Path, part: int = number) -> Side | None:
            return picks.get((part, path))

        for outcome in merge_data(before, own, other, pick):
            if isinstance(outcome, Decision):
                if not outcome.path and outcome.hunks is None and len(plan.pairings) > 1:
                    return None
                plan.decisions.setdefault(number, []).append(outcome)
            else:
                plan.conflicts.append(_conflict(number, pairing, outcome))
    return plan


def _conflict(number: int, pairing: Pairing, found: Disagreement) -> Conflict:
    return Conflict(
        number,
        found.path,
        found.base,
        found.ours,
        found.theirs,
        merged_part=pairing.ours,
        base_part=pairing.base,
        theirs_part=pairing.theirs,
    )


def _carried_out(
    format_: Format,
    plan: _Plan,
    base: Document | None,
    ours: Document,
    theirs: Document,
    limits: Limits,
) -> Merged:
    texts = {Side.OURS: Text(ours), Side.THEIRS: Text(theirs)}
    if base is not None:
        texts[Side.BASE] = Text(base)

    def sides(pairing: Pairing) -> dict[Side, PartSide]:
        return {
            side: PartSide(texts[side], place, plan.data[side][place])
            for side, place in zip((Side.BASE, Side.OURS, Side.THEIRS), pairing, strict=True)
            if place is not None
        }

    units: list[Unit] = []
    changer = cache(lambda: format_.changer(ours))
    for number, decisions in plan.decisions.items():
        found = sides(plan.pairings[number])
        own = found[Side.OURS]
        merged = decided(own.data, {side: each.data for side, each in found.items()}, decisions)
        units += UnitMaker(changer, own, found, merged).units(decisions)

    def wanted(some: Sequence[Unit]) -> list[Data]:
        parts = list(plan.data[Side.OURS])
        for pairing in plan.pairings:
            chosen = [each for unit in some if unit.part == pairing.ours for each in unit.decisions]
            if pairing.ours is not None and chosen:
                data = {side: each.data for side, each in sides(pairing).items()}
                parts[pairing.ours] = decided(parts[pairing.ours], data, chosen)
        return parts

    data = Trial(format_, ours, limits, wanted).settle(units) if units else encoded(ours)
    if data is None:
        return _whole(base, ours, theirs)
    return Merged(data, tuple(plan.conflicts))
