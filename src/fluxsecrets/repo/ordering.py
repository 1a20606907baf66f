"""The order in which Flux applies Kustomizations, and what keeps some waiting for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from .flux import FluxKustomization
from .kustomize.built import Cycle

Key = tuple[str | None, str]
"""Namespace and name of a Kustomization."""


class Node(Protocol):
    """A Kustomization, or a root that none syncs."""

    @property
    def kustomization(self) -> FluxKustomization | None:
        """None for a root that no Kustomization syncs."""

    @property
    def key(self) -> Key | None:
        """Its namespace and name."""

    @property
    def parent(self) -> Key | None:
        """What applies it."""


N = TypeVar("N", bound=Node)


def in_order(nodes: Sequence[N]) -> tuple[tuple[N, ...], list[Cycle]]:
    """Each after its parent and its dependencies, else in the order in which they were found.

    Returns:
        The nodes in order, and the cycles of `dependsOn`.
    """
    by_key: dict[Key | None, list[N]] = {}
    for each in nodes:
        by_key.setdefault(each.key, []).append(each)
    done: dict[int, N] = {}
    cycles: list[Cycle] = []
    for first in nodes:
        # Without recursion: each entry is a node and what it still has to wait for.
        path = [(first, _before(first, by_key))]
        while path:
            node, before = path[-1]
            if id(node) in done:
                path.pop()
                continue
            following = next(before, None)
            if following is None:
                done[id(node)] = node
                path.pop()
                continue
            steps = [step for step, _ in path]
            at = next((index for index, step in enumerate(steps) if step is following), None)
            if at is not None:
                cycles += _cycle(steps[at:])
            elif id(following) not in done:
                path.append((following, _before(following, by_key)))
    return tuple(done.values()), list(dict.fromkeys(cycles))


def _before(each: N, by_key: Mapping[Key | None, list[N]]) -> Iterator[N]:
    if each.kustomization is None:
        return
    yield from by_key.get(each.parent, ())[:1] if each.parent != each.key else ()
    for key in each.kustomization.waits_for:
        yield from by_key.get(key, ())


def _cycle(nodes: Sequence[Node]) -> list[Cycle]:
    """A cycle of `dependsOn`; Flux accepts one that only a parent closes."""
    names = []
    for each, following in zip(nodes, (*nodes[1:], nodes[0]), strict=True):
        item = each.kustomization
        if item is None or following.key not in item.waits_for:
            return []
        names.append(f"{item.namespace}/{item.name}" if item.namespace else item.name)
    start = names.index(min(names))
    members = (*names[start:], *names[:start])
    last = nodes[start].kustomization
    assert last is not None  # noqa: S101 - looked at above
    return [Cycle("dependsOn", (*members, members[0]), last.file, last.line)]
