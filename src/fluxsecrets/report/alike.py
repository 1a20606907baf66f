"""One cause, one message: of what many files have in common a few are shown, and the others are counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.findings import Finding

MOST = 10
"""Things with one cause that are all shown."""

SHOWN = 3
"""Of more than `MOST`, the number that is shown."""

LINES = 8
"""Lines of further findings in a file that are listed."""

LIKE_IT = "more like this one; --format json lists all"
"""Follows the number of things that are left out."""

_OWN = re.compile(r"'[^']*'|\"[^\"]*\"|\S*[/\d]\S*")
"""The parts of a message that differ from file to file: names in quotes, paths, numbers."""


class Few(NamedTuple):
    """Things of which some may be left out.

    Attributes:
        shown: in order.
        left: after how many of `shown` how many with the same cause are left out; by their position in it.
    """

    shown: list[int]
    left: dict[int, int]


def shape(text: str | None) -> str:
    """Return a message without the parts that differ from file to file. One shape means one cause."""
    return _OWN.sub("…", text or "")


def with_one_remedy(findings: Iterable[Finding]) -> Iterable[Sequence[Finding]]:
    """Findings of a rule in a file that have the same remedy, together: its lines would bury other files."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for each in findings:
        place = each.location
        key = (each.severity, each.rule, place.path, place.commit, each.hint)
        groups.setdefault(key, []).append(each)
    return groups.values()


def further_lines(findings: Iterable[Finding]) -> str:
    """The lines of further findings in a file, such as `12, 14, …`; empty if they have none."""
    lines = list(dict.fromkeys(each.location.line for each in findings if each.location.line is not None))
    shown = [str(line) for line in lines[:LINES]]
    return f"{', '.join(shown)}{', …' if len(lines) > LINES else ''}"


def few(causes: Sequence[Hashable]) -> Few:
    """Choose what to show.

    Args:
        causes: the cause of each thing, in order.

    Returns:
        Positions: all things whose cause is rare, and the first few of the others.
    """
    counts = Counter(causes)
    met: Counter[Hashable] = Counter()
    shown: list[int] = []
    left: dict[int, int] = {}
    for at, cause in enumerate(causes):
        met[cause] += 1
        if counts[cause] <= MOST or met[cause] <= SHOWN:
            shown.append(at)
        if counts[cause] > MOST and met[cause] == SHOWN:
            left[at] = counts[cause] - SHOWN
    return Few(shown, left)


def few_lines(lines: Iterable[str], word: str) -> list[str]:
    """Return lines; of many with one shape the first few, and how many more there are.

    Args:
        lines: in order; the rare ones come last in the result, next to what is written below.
        word: what lines begin with, such as `warning`.
    """
    every = list(lines)
    shapes = [shape(line) for line in every]
    counts = Counter(shapes)
    chosen = few(shapes)
    shown = sorted(chosen.shown, key=lambda at: -counts[shapes[at]])
    found: list[str] = []
    for at in shown:
        found.append(every[at])
        if at in chosen.left:
            found.append(f"{word}: {chosen.left[at]} {LIKE_IT}")
    return found
