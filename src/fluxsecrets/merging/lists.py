"""The three-way merge of lists."""

from __future__ import annotations

from collections import Counter
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


_PAIRS = 200_000
"""Up to how many pairs of equal items lists are compared item by item: `difflib` looks at each pair."""


def hunks(old: Sequence[Data], new: Sequence[Data]) -> list[Hunk]:
    """What changed from one list to another, in order.

    Long lists in which the same items repeat are one change, between what they start and end with in common.
    """
    one, two = [comparable(item) for item in old], [comparable(item) for item in new]
    shortest = min(len(one), len(two))
    first = next((place for place in range(shortest) if one[place] != two[place]), shortest)
    rest = range(1, shortest - first + 1)
    last = next((place - 1 for place in rest if one[-place] != two[-place]), shortest - first)
    one, two = one[first : len(one) - last], two[first : len(two) - last]
    counts = Counter(two)
    if sum(counts[key] for key in one) > _PAIRS:
        return [Hunk(first, first + len(one), first, first + len(two))]
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    return [
        Hunk(*(place + first for place in opcode[1:]))
        for opcode in matcher.get_opcodes()
        if opcode[0] != "equal"
    ]


def merge_lists(base: Sequence[Data], ours: Sequence[Data], theirs: Sequence[Data]) -> list[Hunk] | None:
    """What to take over from theirs into ours, where both changed the list.

    Returns:
        The changes, in items of ours and theirs; None where both sides changed the same place.
    """
    by_us, by_them = hunks(base, ours), hunks(base, theirs)
    taken: list[Hunk] = []
    place = moved = 0
    for change in by_them:
        while place < len(by_us) and by_us[place].end <= change.start and not _meet(by_us[place], change):
            own = by_us[place]
            moved += (own.last - own.first) - (own.end - own.start)
            place += 1
        near = _near(by_us, place, change.end)
        if any(_same_change(own, change, ours, theirs) for own in near):
            continue
        if any(_meet(own, change) for own in near):
            return None
        taken.append(Hunk(change.start + moved, change.end + moved, change.first, change.last))
    return taken


def _near(changes: Sequence[Hunk], place: int, end: int) -> list[Hunk]:
    """The changes from a place on that start before an item or at it."""
    stop = place
    while stop < len(changes) and changes[stop].start <= end:
        stop += 1
    return list(changes[place:stop])


def spliced(ours: Sequence[Data], theirs: Sequence[Data], changes: Sequence[Hunk]) -> list[Data]:
    """The list that has the changes of theirs in ours."""
    merged = list(ours)
    for start, end, first, last in reversed(changes):
        merged[start:end] = theirs[first:last]
    return merged


def _same_change(one: Hunk, two: Hunk, ours: Sequence[Data], theirs: Sequence[Data]) -> bool:
    return (one.start, one.end) == (two.start, two.end) and list(
        map(comparable, ours[one.first : one.last])
    ) == list(map(comparable, theirs[two.first : two.last]))


def _meet(one: Hunk, two: Hunk) -> bool:
    """Whether two changes of the base overlap; what one inserts at the edge of the other has no order."""
    if one.start < two.end and two.start < one.end:
        return True
    inserts = one.start == one.end or two.start == two.end
    return inserts and (one.start == two.end or two.start in (one.end, one.start))


def comparable(item: Data) -> object:
    """Return a hashable form of data, in which `1`, `1.0`, `True` and `"1"` differ."""
    if isinstance(item, dict):
        return ("map", frozenset((key, comparable(value)) for key, value in item.items()))
    if isinstance(item, list):
        return ("list", tuple(map(comparable, item)))
    return (type(item).__name__, canonical_bytes(item))
