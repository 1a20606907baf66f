"""What the merged text would be if the other side had its way in the conflicts."""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import Edit, Format, Limits

from .documents import DocumentChange, place_of
from .model import Conflict, Side
from .pairing import pair
from .plan import Plan, carry_out
from .threeway import Decision


def alternative(
    format_: Format,
    document: Document,
    other: Document | None,
    side: Side,
    conflicts: Sequence[Conflict],
    limits: Limits,
) -> list[Edit] | None:
    """The edits that put the other side's values in the places of the conflicts.

    Args:
        format_: of both.
        document: the merged file, with ours' values.
        other: the other side; None if it has nothing at all.
        side: which one it is.
        conflicts: where to put its values.
        limits: for reading the text that is tried.

    Returns:
        None if no edits hold.
    """
    plan = Plan({Side.OURS: document} | ({} if other is None else {side: other}))
    plan.places = [{Side.OURS: number} for number in range(len(document.parts))]
    for conflict in conflicts:
        number = conflict.theirs_part if side is Side.THEIRS else conflict.base_part
        number = None if other is None else number
        if not conflict.path:
            change = _document_change(plan, conflict.merged_part, number, side)
            if change is not None:
                plan.documents.append(change)
        elif conflict.merged_part is None:
            return None
        else:
            plan.decisions.setdefault(conflict.merged_part, []).append(Decision(conflict.path, side))
            if number is not None:
                plan.places[conflict.merged_part][side] = number
    made = carry_out(format_, plan, limits)
    return None if made is None else made.edits


def _document_change(plan: Plan, own: int | None, number: int | None, side: Side) -> DocumentChange | None:
    """A document put in, taken out or replaced; None where neither has it."""
    if own is not None and number is not None:
        return DocumentChange(own, side, number, plan.data[side][number], replaces=True)
    if own is not None:
        return DocumentChange(own)
    if number is None:
        return None
    pairings = pair(None, plan.data[Side.OURS], plan.data[side])
    pairing = next(each for each in pairings if each.theirs == number)
    place = place_of(pairing, pairings, len(plan.data[Side.OURS]))
    return DocumentChange(place, side, number, plan.data[side][number])
