"""Decisions -> edits of ours' text, with several ways for each, the one that keeps most of the text first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.comparison import same_data
from fluxsecrets.sops.document import Data, Entry, Path, Sequence
from fluxsecrets.sops.document import Mapping as MappingNode
from fluxsecrets.sops.formats import Changer, Edit, line_start

from .aliased import told_apart
from .documents import DocumentChange
from .flow import changed_flow_items, changed_members, member_text
from .lines import added, changed_items, removed, replaced_lines, replaced_token
from .model import Missing, Side
from .spans import Child, Container, PartSide, Text, follow
from .threeway import Decision, at, plain

Ways = Iterator[list[Edit]]


@dataclass(eq=False)
class Unit:
    """Edits that are made together or not at all.

    Attributes:
        part: which document of ours; for a document that is put in, the one behind it.
        decisions: what the edits carry out.
        ways: other edits to try.
        documents: documents that the edits put in or take out.
        edits: the way that is tried now; nothing once an optional unit was given up.
        optional: the text may do without, such as a comment.
    """

    part: int
    decisions: tuple[Decision, ...]
    ways: Ways
    documents: tuple[DocumentChange, ...] = ()
    edits: list[Edit] = field(default_factory=list)
    optional: bool = False

    def next_way(self) -> bool:
        """Go on to the next way; False where there is no other."""
        try:
            self.edits = next(self.ways)
        except (StopIteration, FluxsecretsError):
            return False
        return True


class _Taken(NamedTuple):
    """An entry of another side, with its map or list."""

    text: Text
    container: Container
    child: Child


class UnitMaker:
    """Makes the units of one document."""

    def __init__(self, changer: Callable[[], Changer], sides: Mapping[Side, PartSide], merged: Data) -> None:
        """Take the document on each side.

        Args:
            changer: makes ours' changer, when it is first needed.
            sides: the document on each side that has it.
            merged: the data that the document is to hold.
        """
        self._changer, self._ours, self._sides, self._merged = changer, sides[Side.OURS], sides, merged

    def units(self, decisions: Items[Decision]) -> list[Unit]:
        """One unit for each decision, or for all of a map that has to be written as a whole.

        Where YAML aliases change with their anchor, there is one unit for the document.
        """
        direct, implied = told_apart(decisions, self._sides)
        units = self._direct_units(direct)
        if not implied:
            return units
        edits = [edit for unit in units for edit in unit.edits]
        return [Unit(self._ours.part, tuple(decisions), iter(()), (), edits)]

    def _direct_units(self, decisions: Items[Decision]) -> list[Unit]:
        by_parent: dict[Path, list[Decision]] = {}
        for decision in decisions:
            by_parent.setdefault(decision.path[:-1], []).append(decision)
        units: list[Unit] = []
        # Deeper ones first: two texts that are put in at the same place belong in this order.
        for path, group in sorted(by_parent.items(), key=lambda item: -len(item[0])):
            container = follow(self._ours.text, self._ours.root, path)
            if container is None or self._is_emptied(container, path):
                units.append(self._unit(group, self._whole(path, group)))
            elif self._ours.text.in_lines(container):
                group.sort(key=lambda each: each.hunks is None)
                units += [self._unit([each], self._line_ways(container, each)) for each in group]
            else:
                units.append(self._unit(group, self._flow_ways(container, group)))
        return units

    def _unit(self, decisions: Items[Decision], ways: Ways) -> Unit:
        unit = Unit(self._ours.part, tuple(decisions), ways)
        unit.next_way()
        return unit

    def _is_emptied(self, container: Container, path: Path) -> bool:
        """Whether nothing is in a map now, or nothing stays in it, so that it is written in another way."""
        document = self._ours.text.document
        if document.format in ("dotenv", "ini") or (not path and document.metadata is not None):
            return False
        return not self._ours.text.children(container) or at(self._merged, path) == {}

    def _whole(self, path: Path, decisions: Items[Decision] = ()) -> Ways:
        """A map or list written anew."""
        merged = at(self._merged, path)
        if isinstance(merged, Missing):
            return
        if not path:
            yield from self._whole_root(decisions)
        yield from self._changer().setting(self._ours.part, path, merged)

    def _whole_root(self, decisions: Items[Decision]) -> Ways:
        """A document that is empty filled with the text of theirs."""
        root = self._ours.root
        for side in {decision.side for decision in decisions} & self._sides.keys():
            taken = self._sides[side]
            children = taken.text.children(taken.root)
            if children and same_data(plain(taken.root), self._merged):
                in_lines = taken.text.in_lines(taken.root)
                start = line_start(taken.text.source, children[0].start) if in_lines else taken.root.start
                text = taken.text.source[start : children[-1].end if in_lines else taken.root.end]
                yield [
                    (root.start, root.end, text.replace("\r\n", "\n").replace("\n", self._ours.text.newline))
                ]
        found = [next(self._by_changer(decision), []) for decision in decisions]
        spans = {edit[:2] for edits in found for edit in edits}
        if len(spans) == 1 and all(len(edits) == 1 for edits in found):
            yield [(*spans.pop(), ", ".join(text for edits in found for _, _, text in edits))]

    # Lines

    def _line_ways(self, container: Container, decision: Decision) -> Ways:
        own = self._ours.text.child(container, decision.path[-1])
        spliced = self._spliced_lines(container, own, self._taken(decision), decision)
        yield from (edits for edits in spliced if edits is not None)
        yield from self._by_changer(decision)

    def _taken(self, decision: Decision) -> _Taken | None:
        """The entry that a decision takes over; None if it takes one out."""
        side = self._sides.get(decision.side)
        container = None if side is None else follow(side.text, side.root, decision.path[:-1])
        if side is None or container is None:
            return None
        child = side.text.child(container, decision.path[-1])
        return None if child is None else _Taken(side.text, container, child)

    def _spliced_lines(
        self, container: Container, own: Child | None, taken: _Taken | None, decision: Decision
    ) -> Iterator[list[Edit] | None]:
        ours = self._ours.text
        if taken is None:
            if own is not None:
                side = self._sides.get(decision.side)
                yield from removed(ours, container, own, None if side is None else side.text)
        elif taken.text.in_lines(taken.container):
            if own is None:
                yield added(ours, container, taken.text, taken.container, taken.child)
                return
            yield self._changed_list(own, taken, decision)
            if decision.hunks is None:
                yield replaced_token(ours, own, taken.text, taken.child)
                yield replaced_lines(ours, container, own, taken.text, taken.container, taken.child)

    def _changed_list(self, own: Child, taken: _Taken, decision: Decision) -> list[Edit] | None:
        one, two = own.node, taken.child.node
        if decision.hunks is None or not isinstance(one, Sequence) or not isinstance(two, Sequence):
            return None
        in_lines = (self._ours.text.in_lines(one), taken.text.in_lines(two))
        if in_lines == (True, True):
            return changed_items(self._ours.text, one, taken.text, two, decision.hunks)
        if in_lines == (False, False):
            return changed_flow_items(self._ours.text, one, taken.text, two, decision.hunks)
        return None

    def _by_changer(self, decision: Decision) -> Ways:
        value = at(self._merged, decision.path)
        if isinstance(value, Missing):
            yield from self._changer().removing(self._ours.part, decision.path)
        else:
            yield from self._changer().setting(self._ours.part, decision.path, value)

    # Members between commas

    def _flow_ways(self, container: Container, decisions: Items[Decision]) -> Ways:
        edits = self._spliced_members(container, decisions)
        if edits is not None:
            yield edits
        first = [next(self._by_changer(decision), None) for decision in decisions]
        if None not in first:
            yield [edit for edits in first if edits is not None for edit in edits]
        if decisions[0].path[:-1]:
            yield from self._whole(decisions[0].path[:-1])

    def _spliced_members(self, container: Container, decisions: Items[Decision]) -> list[Edit] | None:
        ours = self._ours.text
        own, inside = self._members(container)
        edits: list[Edit] = []
        gone: set[int] = set()
        new: dict[int, list[str]] = {}
        numbers = {child.key: number for number, child in enumerate(own)}
        for decision in decisions:
            key, taken = decision.path[-1], self._taken(decision)
            if taken is None:
                gone.add(numbers[key])
            elif taken.text.in_lines(taken.container):
                return None
            elif key not in numbers:
                place = _place(taken.text.children(taken.container), taken.child, numbers)
                text = member_text(ours, container, taken.text, taken.child)
                new.setdefault(place, []).append(text)
            else:
                found = self._changed_member(container, own[numbers[key]], taken, decision)
                if found is None:
                    return None
                edits += found
        if gone or new:
            changed = changed_members(ours, own, inside, gone=gone, new=new)
            if changed is None:
                return None
            edits += changed
        return edits

    def _changed_member(
        self, container: Container, own: Child, taken: _Taken, decision: Decision
    ) -> list[Edit] | None:
        if decision.hunks is not None:
            return self._changed_list(own, taken, decision)
        text = member_text(self._ours.text, container, taken.text, taken.child, value=True)
        return [(own.value, own.end, text)]

    def _members(self, container: Container) -> tuple[list[Child], tuple[int, int]]:
        """The members, with the sops block of a JSON file, which is not in its tree."""
        members = self._ours.text.children(container)
        root = self._ours.text.document.layout
        if container is self._ours.root and isinstance(root, MappingNode):
            entries = [item for item in root.entries if isinstance(item, Entry)]
            if len(entries) > len(members):
                members = [
                    Child(each.key, each.value, each.start, each.value.end, each.value.start, number)
                    for number, each in enumerate(entries)
                ]
        return members, (container.start + 1, container.end - 1)


def _place(others: Items[Child], other: Child, numbers: Mapping[str | int, int]) -> int:
    """In front of which member of ours a member of theirs goes."""
    for sibling in reversed(others[: other.number]):
        if sibling.key in numbers:
            return numbers[sibling.key] + 1
    return 0
