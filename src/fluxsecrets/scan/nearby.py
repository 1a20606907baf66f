"""Which of some places in a text are near others, by lines and columns."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from fluxsecrets.repo.leakrules import Required


class Places:
    """Lines and columns of positions in some bytes, which may be those behind base64."""

    def __init__(self, data: bytes) -> None:
        self._starts = [0]
        at = -1
        while (at := data.find(b"\n", at + 1)) >= 0:
            self._starts.append(at + 1)

    def of(self, position: int) -> tuple[int, int]:
        """Line and column from 0."""
        line = bisect_right(self._starts, position) - 1
        return line, position - self._starts[line]


def near_ones(
    at: Sequence[tuple[int, int]], found: Sequence[tuple[int, int]], needed: Required
) -> list[bool]:
    """Whether each place has one of others as near as a rule demands; both are in order.

    A window of lines moves over the file, with the columns in it sorted.
    """
    lines = needed.within_lines if needed.within_lines is not None else sys.maxsize
    width = needed.within_columns if needed.within_columns is not None else sys.maxsize
    columns: list[int] = []
    first = last = 0
    near: list[bool] = []
    for line, column in at:
        while last < len(found) and found[last][0] <= line + lines:
            insort(columns, found[last][1])
            last += 1
        while first < last and found[first][0] < line - lines:
            del columns[bisect_left(columns, found[first][1])]
            first += 1
        index = bisect_left(columns, column - width)
        near.append(index < len(columns) and columns[index] <= column + width)
    return near
