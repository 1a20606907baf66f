"""Key groups merged as sets of recipients: a removal on either side wins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from fluxsecrets.sops.metadata import KeyGroup, WrappedKey
from fluxsecrets.sops.recipients import RecipientKey, recipient_key

from .fields import Unknown, merge_unknown


def merge_groups(
    base: Sequence[KeyGroup], ours: Sequence[KeyGroup], theirs: Sequence[KeyGroup]
) -> tuple[tuple[KeyGroup, ...], list[str]]:
    """Merge the key groups of two sides.

    Groups are paired by the recipients that they share. What stays or was added on one side only has that
    side's wrapped key; ours' counts where both have one.

    Args:
        base: the groups of the common version; none without a base.
        ours: the groups whose order is kept.
        theirs: the other side's groups.

    Returns:
        The groups, and the unknown fields in them that both sides changed in different ways.
    """
    of_base = _pairs(base, ours), _pairs(base, theirs)
    known = set(of_base[1].values())
    direct = _pairs(ours, theirs, without=(set(of_base[0].values()), known))
    merged: list[KeyGroup] = []
    clashes: list[str] = []
    base_of = {mine: number for number, mine in of_base[0].items()}
    for number, group in enumerate(ours):
        before = base_of.get(number)
        other = direct.get(number) if before is None else of_base[1].get(before)
        if other is None and before is not None:
            continue  # theirs removed the group
        made, clashing = _merged(
            None if before is None else base[before], group, None if other is None else theirs[other]
        )
        merged.append(made)
        clashes += clashing
    taken = known | set(direct.values())
    merged += [group for number, group in enumerate(theirs) if number not in taken]
    return tuple(merged), clashes


def _pairs(
    one: Sequence[KeyGroup],
    two: Sequence[KeyGroup],
    without: tuple[set[int], set[int]] = (set(), set()),
) -> dict[int, int]:
    """The groups of two sides that belong together: most recipients in common first."""
    free = [number for number in range(len(one)) if number not in without[0]]
    others = [number for number in range(len(two)) if number not in without[1]]
    if len(one) == len(two) == len(free) == len(others) == 1:
        return {free[0]: others[0]}
    shared = {
        (first, second): len(_keys(one[first]).keys() & _keys(two[second]).keys())
        for first, second in product(free, others)
    }
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for (first, second), count in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if count and first not in pairs and second not in used:
            pairs[first] = second
            used.add(second)
    return pairs


def _merged(base: KeyGroup | None, ours: KeyGroup, theirs: KeyGroup | None) -> tuple[KeyGroup, list[str]]:
    if theirs is None:
        return ours, []
    before, own, others = ({} if group is None else _keys(group) for group in (base, ours, theirs))
    # Never theirs' wrapped key in place of ours: it could shut somebody out who is not here to notice.
    keys = [
        own.get(key) or others[key]
        for key in dict.fromkeys((*own, *others))
        if key not in before or (key in own and key in others)
    ]
    earlier: Unknown = () if base is None else base.unknown
    unknown, clashes = merge_unknown(earlier, ours.unknown, theirs.unknown)
    return KeyGroup(tuple(keys), unknown), clashes


_Keys = dict[RecipientKey, WrappedKey]


def _keys(group: KeyGroup) -> _Keys:
    found: _Keys = {}
    for key in group.keys:
        found.setdefault(recipient_key(key.recipient), key)
    return found
