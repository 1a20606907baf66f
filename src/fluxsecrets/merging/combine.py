"""Three versions of a file -> the merged text, and the values on which the sides disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fluxsecrets.sops.document import Comment, Data, Document, Path
from fluxsecrets.sops.formats import Format, Limits

from .documents import DocumentChange, Places, merged_numbers
from .holding import comment_keys, comments, encoded
from .model import MISSING, Conflict, Merged, Picks, Side
from .names import is_repeated
from .pairing import Pairing, pair
from .plan import Plan, carry_out
from .threeway import Disagreement, merge_data, plain


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
    if format_.single_value:
        return _whole(base, ours, theirs)
    sides = {Side.OURS: ours, Side.THEIRS: theirs} | ({} if base is None else {Side.BASE: base})
    plan = Plan(sides)
    conflicts = _compare(plan, picks)
    unclear = any(is_repeated(conflict.path) for conflict in conflicts)
    made = None if unclear else carry_out(format_, plan, limits, remarks=True)
    if made is None:
        return _whole(base, ours, theirs)
    lost = _lost(format_, sides, made.data, limits)
    if any(count < 0 for count in lost.values()):
        # A comment came twice, since what is around it changed as well: better without theirs' comments.
        other = carry_out(format_, plan, limits)
        made = made if other is None else other
        lost = _lost(format_, sides, made.data, limits)
    return Merged(made.data, conflicts, _notes(lost, ours, theirs))


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


def _compare(plan: Plan, picks: Picks) -> tuple[Conflict, ...]:
    """Fill a plan with what to take over, and return what the sides disagree on."""
    data = plan.data
    pairings = pair(data.get(Side.BASE), data[Side.OURS], data[Side.THEIRS])
    disagreements: list[tuple[int, Disagreement]] = []
    known = Places(pairings, len(data[Side.OURS]))
    for number, pairing in enumerate(pairings):
        places = zip((Side.BASE, Side.OURS, Side.THEIRS), pairing, strict=True)
        plan.places.append({side: place for side, place in places if place is not None})
        found = plan.side_data(number)

        def pick(path: Path, part: int = number) -> Side | None:
            return picks.get((part, path))

        values = [found.get(side, MISSING) for side in (Side.BASE, Side.OURS, Side.THEIRS)]
        for outcome in merge_data(values[0], values[1], values[2], pick):
            if isinstance(outcome, Disagreement):
                disagreements.append((number, outcome))
            elif Side.OURS not in found or outcome.side not in found:
                plan.documents.append(_document_change(plan, known, pairing, outcome.side))
            else:
                plan.decisions.setdefault(number, []).append(outcome)
    merged = merged_numbers(len(data[Side.OURS]), plan.documents)
    return tuple(_conflict(number, pairings[number], found, merged) for number, found in disagreements)


def _document_change(plan: Plan, known: Places, pairing: Pairing, side: Side) -> DocumentChange:
    number = pairing.theirs if side is Side.THEIRS else pairing.base
    if number is None:
        assert pairing.ours is not None  # noqa: S101 - there is something to take out
        return DocumentChange(pairing.ours)
    return DocumentChange(known.of(pairing), side, number, plan.data[side][number])


def _conflict(number: int, pairing: Pairing, found: Disagreement, merged: Sequence[int | None]) -> Conflict:
    place = None if pairing.ours is None else merged[pairing.ours]
    return Conflict(
        number, found.path, found.base, found.ours, found.theirs, place, pairing.base, pairing.theirs
    )


def _lost(
    format_: Format, sides: Mapping[Side, Document], data: bytes, limits: Limits
) -> dict[tuple[Path, str], int]:
    """How often each comment is missing in the merged text; negative if it should not be there."""
    found = comments(format_.parse(data, limits))
    own, other = comments(sides[Side.OURS]), comments(sides[Side.THEIRS])
    before = comments(sides[Side.BASE]) if Side.BASE in sides else own & other
    wanted = {key: max(own[key] + other[key] - before[key], 0) for key in {**own, **other, **found}}
    lost = {key: count - found[key] for key, count in wanted.items()}
    return {key: count for key, count in lost.items() if count}


def _notes(lost: Mapping[tuple[Path, str], int], ours: Document, theirs: Document) -> tuple[str, ...]:
    notes = []
    for document, name in ((theirs, "theirs"), (ours, "ours")):
        lines = _lines_of(document, {key for key, count in lost.items() if count > 0})
        if lines:
            shown = ", ".join(map(str, lines))
            what = f"a comment of {name}, line" if len(lines) == 1 else f"comments of {name}, lines"
            notes.append(f"not carried over: {what} {shown}")
    if any(count < 0 for count in lost.values()):
        notes.append("not carried over: theirs removed a comment that is still there")
    return tuple(notes)


def _lines_of(document: Document, keys: set[tuple[Path, str]]) -> list[int]:
    """The lines of some comments."""
    found = (item for item in document.items if isinstance(item, Comment))
    return sorted(item.line for item in found if not keys.isdisjoint(comment_keys(item, document.format)))
