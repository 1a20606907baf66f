"""The three-way merge of plain data: what to take over into ours, and where the sides disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from fluxsecrets.sops.comparison import same_data
from fluxsecrets.sops.document import Comment, Data, Entry, Leaf, Node, Path, to_data
from fluxsecrets.sops.document import Mapping as MappingNode

from .lists import Hunk, merge_lists, spliced
from .model import MISSING, Missing, Side
from .names import distinct

Found = Data | Missing


class Decision(NamedTuple):
    """Something to take over into ours.

    Attributes:
        path: the value's place; map keys only, since lists are taken as a whole or by hunks.
        side: which side's value to take.
        hunks: of a list that both sides changed, the items to take.
    """

    path: Path
    side: Side
    hunks: tuple[Hunk, ...] | None = None


class Disagreement(NamedTuple):
    """A place where both sides changed the same, in different ways."""

    path: Path
    base: Found
    ours: Found
    theirs: Found


Pick = Callable[[Path], Side | None]
"""The side that was chosen for a conflict, or None."""


def plain(node: Node) -> Data:
    """The data of a tree, with YAML's merge key as an ordinary key `<<` that holds what it brings in.

    Keys that a map has several times are told apart as `distinct` does.
    """
    if isinstance(node, Leaf):
        return node.value
    if isinstance(node, MappingNode):
        entries = [entry for entry in node.entries if isinstance(entry, Entry)]
        values = [to_data(entry.value) if entry.merge else plain(entry.value) for entry in entries]
        return dict(zip(distinct(entry.key for entry in entries), values, strict=True))
    return [plain(item) for item in node.items if not isinstance(item, Comment)]


def merge_data(
    base: Found, ours: Found, theirs: Found, pick: Pick, path: Path = ()
) -> Iterator[Decision | Disagreement]:
    """Compare three versions of a value.

    Maps are merged key by key, lists item by item if the changes don't meet. What one side deleted and the
    other changed is a disagreement, and so is what both added in different ways.

    Args:
        base: what the sides have in common.
        ours: the side that is kept.
        theirs: the side that is taken over.
        pick: called for each disagreement; a side that it returns settles it.
        path: of the value.

    Yields:
        What to take over, and what nothing was picked for, in the order of ours' keys, then theirs'.
    """
    if same(ours, theirs) or same(theirs, base):
        return
    if same(ours, base):
        yield from _taken(ours, theirs, path)
        return
    if isinstance(ours, dict) and isinstance(theirs, dict) and (base is MISSING or isinstance(base, dict)):
        common = base if isinstance(base, dict) else {}
        for key in dict.fromkeys((*ours, *theirs)):
            before, own, other = (side.get(key, MISSING) for side in (common, ours, theirs))
            yield from merge_data(before, own, other, pick, (*path, key))
        return
    if isinstance(base, list) and isinstance(ours, list) and isinstance(theirs, list):
        changes = merge_lists(base, ours, theirs)
        if changes is not None:
            yield Decision(path, Side.THEIRS, tuple(changes))
            return
    side = pick(path)
    if side is None:
        yield Disagreement(path, base, ours, theirs)
    elif side is not Side.OURS and not same(ours, base if side is Side.BASE else theirs):
        yield Decision(path, side)


def _taken(ours: Found, theirs: Found, path: Path) -> Iterator[Decision]:
    """What theirs changed, as small as it goes: the rest of ours' text stays."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and (ours or not path):
        for key in dict.fromkeys((*ours, *theirs)):
            one, two = ours.get(key, MISSING), theirs.get(key, MISSING)
            if not same(one, two):
                yield from _taken(one, two, (*path, key))
    else:
        yield Decision(path, Side.THEIRS)


def decided(ours: Data, sides: Mapping[Side, Data], decisions: Iterable[Decision]) -> Data:
    """Ours' data with decisions applied.

    Args:
        ours: the data of one document.
        sides: the same document on the other sides that have it.
        decisions: with paths into it.
    """
    merged = _copied(ours)
    for decision in decisions:
        value = at(sides.get(decision.side, MISSING), decision.path)
        if not decision.path:
            assert value is not MISSING  # noqa: S101 - documents are not removed here
            merged = value
            continue
        *way, key = decision.path
        parent = at(merged, tuple(way))
        assert isinstance(parent, dict) and isinstance(key, str)  # noqa: S101, PT018 - only maps are on the way
        own = parent.get(key, MISSING)
        if decision.hunks is not None:
            assert isinstance(own, list) and isinstance(value, list)  # noqa: S101, PT018 - both are lists
            parent[key] = spliced(own, value, decision.hunks)
        elif value is MISSING:
            parent.pop(key, None)
        else:
            parent[key] = value
    return merged


def at(data: Found, path: Path) -> Found:
    """What is at a path of map keys, or MISSING."""
    for step in path:
        if not isinstance(data, dict) or not isinstance(step, str) or step not in data:
            return MISSING
        data = data[step]
    return data


def _copied(data: Data) -> Data:
    return {key: _copied(value) for key, value in data.items()} if isinstance(data, dict) else data


def same(one: Found, two: Found) -> bool:
    """Whether two sides have the same data, or both nothing."""
    if isinstance(one, Missing) or isinstance(two, Missing):
        return one is two
    return same_data(one, two)
