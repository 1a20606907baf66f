"""Find the items of a list again that others were put in front of."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from difflib import SequenceMatcher

from fluxsecrets.sops.document import Path
from fluxsecrets.sops.values import canonical_bytes

from .sides import Item, ItemKey

_MOST = 2_000
"""Items of a list; in a longer one they are compared by position."""

_REMOVED = 1_000_000
"""Added to the number of a value that has no counterpart, so that it does not meet another one."""

_Items = dict[int, dict[ItemKey, Item]]


def aligned(
    before: Mapping[ItemKey, Item], after: Mapping[ItemKey, Item], *, no_guesses: bool = False
) -> dict[ItemKey, Item]:
    """Return the values of the earlier version with the positions that list items have in the later one.

    Args:
        before: the earlier version.
        after: the later one.
        no_guesses: no encrypted value counts as equal to a plain one.
    """
    moved: dict[ItemKey, Item] = {}
    left = dict(before)
    old, new = _lists(before), _lists(after)
    for place in old.keys() & new.keys():
        if max(len(old[place]), len(new[place])) > _MOST:
            continue
        for number, other in _moves(old[place], new[place], no_guesses=no_guesses):
            for key in old[place][number]:
                del left[key]
            moved.update(_moved(old[place][number], len(place), other))
    return {**left, **moved} if moved else left


def _lists(items: Mapping[ItemKey, Item]) -> dict[Path, _Items]:
    """The items of each outermost list by position, with the values in them."""
    found: dict[Path, _Items] = {}
    for key, item in items.items():
        at = next((at for at, step in enumerate(key[0]) if isinstance(step, int)), None)
        if at is not None:
            number = key[0][at]
            assert isinstance(number, int)  # noqa: S101 - found as one
            found.setdefault(key[0][:at], {}).setdefault(number, {})[key] = item
    return found


def _moves(old: _Items, new: _Items, *, no_guesses: bool) -> Iterator[tuple[int, int | None]]:
    """The positions that differ, before and after; None for an item that is gone."""
    first, second = list(old), list(new)
    matcher = SequenceMatcher(
        None,
        [_content(old[each], no_guesses=no_guesses) for each in first],
        [_content(new[each], no_guesses=no_guesses) for each in second],
        autojunk=False,
    )
    for _, start, end, other_start, other_end in matcher.get_opcodes():
        for offset in range(end - start):
            before = first[start + offset]
            after = second[other_start + offset] if other_start + offset < other_end else None
            if before != after:
                yield before, after


def _content(items: Mapping[ItemKey, Item], *, no_guesses: bool) -> Hashable:
    """What an item of a list holds, wherever it is; a value that is not known counts as its ciphertext."""
    held: list[Hashable] = []
    for (path, number), item in items.items():
        at = next(at for at, step in enumerate(path) if isinstance(step, int))
        value = (type(item.value).__name__, canonical_bytes(item.value)) if item.known else item.text
        held.append((path[at + 1 :], number, value, item.encrypted if no_guesses else None))
    return tuple(held)


def _moved(items: Mapping[ItemKey, Item], at: int, other: int | None) -> Iterator[tuple[ItemKey, Item]]:
    for (path, number), item in items.items():
        if other is None:
            yield (path, number + _REMOVED), item
        else:
            yield ((*path[:at], other, *path[at + 1 :]), number), item
