"""What the merged text would be if the other side had its way in the conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import Edit, Format, Limits

from .documents import DocumentChange, Places
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
    documents = _Documents(plan, side)
    for conflict in conflicts:
        number = conflict.theirs_part if side is Side.THEIRS else conflict.base_part
        number = None if other is None else number
        if not conflict.path:
            change = documents.change(conflict.merged_part, number)
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


class _Documents:
    """Documents that one of two sides has, put in, taken out or replaced."""

    def __init__(self, plan: Plan, side: Side) -> None:
        self._plan, self._side = plan, side
        self._others = plan.data.get(side, [])

    @cached_property
    def _places(self) -> dict[int, int]:
        """In front of which document of ours each document goes that only the other side has."""
        data = self._plan.data[Side.OURS]
        pairings = pair(None, data, self._others)
        places = Places(pairings, len(data))
        return {each.theirs: places.of(each) for each in pairings if each.theirs is not None}

    def change(self, own: int | None, number: int | None) -> DocumentChange | None:
        """What to do for a conflict about a document as a whole; None where neither has it."""
        if own is not None and number is not None:
            return DocumentChange(own, self._side, number, self._others[number], replaces=True)
        if own is not None:
            return DocumentChange(own)
        if number is None:
            return None
        return DocumentChange(self._places[number], self._side, number, self._others[number])
