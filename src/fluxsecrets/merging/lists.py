"""The three-way merge of lists."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from fluxsecrets.sops.document import Data
from fluxsecrets.sops.values import canonical_bytes


class Hunk(NamedTuple):
    """Items of a list that another list has in place of some: `old[start:end]` are `new[first:last]`."""

    start: int
    end: int
    first: int
    last: int


def hunks(old: Sequence[Data], new: Sequence[Data]) -> list[Hunk]:
    """What changed from one list to another, in order."""
    matcher = SequenceMatcher(
        None, [_key(item) for item in old], [_key(item) for item in new], autojunk=False
    )
    return [Hunk(*opcode[1:]) for opcode in matcher.get_opcodes() if opcode[0] != "equal"]


def merge_lists(base: Sequence[Data], ours: Sequence[Data], theirs: Sequence[Data]) -> list[Hunk] | None:
    """What to take over from theirs into ours, where both changed the list.

    Returns:
        The changes, in items of ours and theirs; None where both sides changed the same place.
    """
    by_us, by_them = hunks(base, ours), hunks(base, theirs)
    taken: list[Hunk] = []
    for theirs_hunk in by_them:
        moved = 0
        for own in by_us:
            if _same_change(own, theirs_hunk, ours, theirs):
                break
            if _meet(own, theirs_hunk):
                return None
            if own.end <= theirs_hunk.start:
                moved += (own.last - own.first) - (own.end - own.start)
        else:
            start, end, first, last = theirs_hunk
            taken.append(Hunk(start + moved, end + moved, first, last))
    return taken


def spliced(ours: Sequence[Data], theirs: Sequence[Data], changes: Sequence[Hunk]) -> list[Data]:
    """The list that has the changes of theirs in ours."""
    merged = list(ours)
    for start, end, first, last in reversed(changes):
        merged[start:end] = theirs[first:last]
    return merged


def _same_change(one: Hunk, two: Hunk, ours: Sequence[Data], theirs: Sequence[Data]) -> bool:
    return (one.start, one.end) == (two.start, two.end) and list(
        map(_key, ours[one.first : one.last])
    ) == list(map(_key, theirs[two.first : two.last]))


def _meet(one: Hunk, two: Hunk) -> bool:
    """Whether two changes of the base overlap; what one inserts at the edge of the other has no order."""
    if one.start < two.end and two.start < one.end:
        return True
    inserts = one.start == one.end or two.start == two.end
    return inserts and (one.start == two.end or two.start in (one.end, one.start))


def _key(item: Data) -> object:
    """A hashable form, in which `1`, `1.0`, `True` and `"1"` differ."""
    if isinstance(item, dict):
        return ("map", frozenset((key, _key(value)) for key, value in item.items()))
    if isinstance(item, list):
        return ("list", tuple(map(_key, item)))
    return (type(item).__name__, canonical_bytes(item))
