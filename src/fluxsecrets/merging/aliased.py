"""Values that change with the anchor they are an alias of: nothing is to be written for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fluxsecrets.sops.document import Leaf
from fluxsecrets.sops.document import Mapping as MappingNode

from .model import Side
from .spans import Child, Container, PartSide, Text
from .threeway import Decision


def told_apart(
    decisions: Sequence[Decision], sides: Mapping[Side, PartSide]
) -> tuple[list[Decision], list[Decision]]:
    """Decisions that need edits, and those that come true with an anchor.

    Args:
        decisions: for one document.
        sides: the document on each side.
    """
    ours = sides[Side.OURS]
    if "*" not in ours.text.source:
        return list(decisions), []
    direct: list[Decision] = []
    implied: list[Decision] = []
    for decision in decisions:
        (implied if _is_implied(decision, ours, sides.get(decision.side)) else direct).append(decision)
    return direct, implied


def _is_implied(decision: Decision, ours: PartSide, other: PartSide | None) -> bool:
    own, aliased = _follow(ours, decision)
    if aliased:
        return True
    taken = None if other is None else _follow(other, decision)[0]
    if own is None or taken is None or other is None:
        return False
    text = ours.text.source[own.value : own.end]
    return "*" in text and text == other.text.source[taken.value : taken.end]


def _follow(side: PartSide, decision: Decision) -> tuple[Child | None, bool]:
    """The entry that a decision is about, and whether an alias is on the way to it."""
    container: Container = side.root
    for depth, step in enumerate(decision.path, 1):
        child = side.text.child(container, step)
        if child is None or depth == len(decision.path):
            return child, False
        if _is_alias(side.text, child):
            return None, True
        if not isinstance(child.node, MappingNode):
            return None, False
        container = child.node
    return None, False


def _is_alias(text: Text, child: Child) -> bool:
    node = child.node
    return node.alias if isinstance(node, Leaf) else text.source.startswith("*", child.value)
