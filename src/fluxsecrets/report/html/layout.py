"""A layered drawing of a graph: each node to the right of all that it waits for.

The usual three steps (Sugiyama, Tagawa and Toda, 1981): layers by the longest path, an order in each layer
with few crossings, coordinates. An edge over several layers passes through a narrow place in each, so that it
crosses no box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH = 164
HEIGHT = 46
_GAP_X = 34
_GAP_Y = 14
_NARROW = 10
_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node is, in user units from the top left corner; all have one size."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes in the order of the nodes, and edges as SVG path data, from left to right."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[str, ...]


@dataclass(eq=False, slots=True)
class _Place:
    """A node, or where an edge passes through a layer, while it is being placed."""

    layer: int
    height: int
    before: list[_Place]
    after: list[_Place]
    y: float = 0.0


def draw(after: Sequence[Sequence[int]]) -> Drawing:
    """Draw a graph.

    Args:
        after: per node the indexes of those that it waits for. An index that is not smaller than the node's
            own is part of a cycle, and is not drawn.
    """
    edges = [(one, node) for node, own in enumerate(_direct(after)) for one in own]
    places = _layers(after)
    chains = [_chain(places[one], places[node]) for one, node in edges]
    rows = _ordered([*places, *(place for chain in chains for place in chain[1:-1])])
    height = _stack(rows)
    boxes = tuple(Box(each.layer * (WIDTH + _GAP_X) + 1, round(each.y)) for each in places)
    width = (max((each.layer for each in places), default=-1) + 1) * (WIDTH + _GAP_X) - _GAP_X + 2
    return Drawing(max(width, 0), height, boxes, tuple(map(_path, chains)))


def _direct(after: Sequence[Sequence[int]]) -> list[list[int]]:
    """The edges that say more than the others: what a node waits for through another one is left out."""
    reached: list[set[int]] = []
    direct: list[list[int]] = []
    for node, own in enumerate(after):
        before = sorted({one for one in own if one < node})
        through: set[int] = set().union(*(reached[one] for one in before))
        direct.append([one for one in before if one not in through])
        reached.append(through.union(before))
    return direct


def _layers(after: Sequence[Sequence[int]]) -> list[_Place]:
    places: list[_Place] = []
    for node, own in enumerate(after):
        layer = max((places[one].layer + 1 for one in own if one < node), default=0)
        places.append(_Place(layer, HEIGHT, [], []))
    return places


def _chain(start: _Place, end: _Place) -> list[_Place]:
    """The places that an edge goes through."""
    between = [_Place(layer, _NARROW, [], []) for layer in range(start.layer + 1, end.layer)]
    chain = [start, *between, end]
    for left, right in pairwise(chain):
        left.after.append(right)
        right.before.append(left)
    return chain


def _ordered(places: Sequence[_Place]) -> list[list[_Place]]:
    """The layers, each in an order with few crossings: by the mean of the neighbours, to and fro."""
    rows: list[list[_Place]] = [[] for _ in range(max((each.layer for each in places), default=-1) + 1)]
    for place in places:
        rows[place.layer].append(place)
    for row in rows:
        _number(row)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for row in rows if forward else reversed(rows):
            means = {id(each): _mean(each.before if forward else each.after, each.y) for each in row}
            row.sort(key=lambda each, means=means: means[id(each)])  # type: ignore[misc]
            _number(row)
    return rows


def _number(row: Sequence[_Place]) -> None:
    for number, place in enumerate(row):
        place.y = number


def _mean(near: Sequence[_Place], own: float) -> float:
    return sum(each.y for each in near) / len(near) if near else own


def _stack(rows: Sequence[Sequence[_Place]]) -> int:
    """Give each place its distance from the top, the layers centred; return the height of all."""
    heights = [sum(each.height + _GAP_Y for each in row) - _GAP_Y for row in rows]
    most = max(heights, default=0)
    for row, height in zip(rows, heights, strict=True):
        top = (most - height) / 2 + 1
        for place in row:
            place.y, top = top, top + place.height + _GAP_Y
    return most + 2 if rows else 0


def _path(chain: Sequence[_Place]) -> str:
    """From the right side of the first box to the left side of the last one, in curves."""
    parts: list[str] = []
    for left, right in pairwise(chain):
        x, y = left.layer * (WIDTH + _GAP_X) + 1 + WIDTH, round(left.y + left.height / 2)
        to_x, to_y = x + _GAP_X, round(right.y + right.height / 2)
        middle = x + _GAP_X // 2
        start = f"M{x} {y}" if not parts else f"L{x} {y}"
        parts.append(f"{start}C{middle} {y} {middle} {to_y} {to_x} {to_y}")
    return "".join(parts)
