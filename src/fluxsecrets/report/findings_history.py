"""Secrets of commits as text: those that a branch still has first, each with its commits and paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from .text import Cell, Row, aligned, counted, hint_lines, printable, wrapped

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding
    from fluxsecrets.findings.model import History
    from fluxsecrets.repo.git.history import Commit

_WIDTH = 80
_FEW = 3
_LONGEST_NAME = 40
_GONE = "change each value that was ever pushed: it stays in every clone"


def history_lines(
    findings: Sequence[Finding],
    row_of: Callable[[Finding], Row],
    show_path: Callable[[str], str],
    style: Callable[[Cell], str],
    width: int | None,
) -> list[str]:
    """Secrets of commits in two parts, by file.

    Args:
        findings: all have a history.
        row_of: the cells of a finding.
        show_path: a path for people.
        style: a cell's text, coloured or not.
        width: columns of the terminal, or None.
    """
    lines: list[str] = []
    parts = (
        ("still at the tip of a branch", [each for each in findings if _history(each).tips]),
        ("only in earlier commits", [each for each in findings if not _history(each).tips]),
    )
    for title, part in parts:
        if not part:
            continue
        head = f"{counted(len(part), 'secret')} {title}"
        lines += [*([""] if lines else []), style(Cell(head, "bold"))]
        for path, group in _by_path(part).items():
            shown = show_path(path)
            lines += ["", style(Cell(printable(shown), "bold"))]
            rows = aligned([row_of(each) for each in group], width, style)
            for finding, shown_as in zip(group, rows, strict=True):
                lines += shown_as
                lines += _details(finding, show_path, min(width or _WIDTH, _WIDTH))
            if _history(group[0]).tips:
                lines += hint_lines((finding.hint for finding in group), shown, width)
        if not _history(part[0]).tips:
            lines += ["", _GONE]
    return lines


def _history(finding: Finding) -> History:
    assert finding.history is not None  # noqa: S101 - the caller parts them
    return finding.history


def _by_path(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.location.path, []).append(finding)
    return groups


def _details(finding: Finding, show_path: Callable[[str], str], width: int) -> Iterator[str]:
    history = _history(finding)
    if history.tips:
        when = f"at {_few(history.tips)}; since {_when(history.first)}"
        if history.last != history.first:
            when += f", last written in {_when(history.last)}"
    else:
        end = history.removed or history.last
        verb = "removed in" if history.removed is not None else "last written in"
        when = f"from {_when(history.first)}, {verb} {_when(end)}"
    if history.versions > 1:
        when += f"; {history.versions} versions"
    yield from wrapped(printable(when), width)
    others = dict.fromkeys(
        f"{show_path(place.path)}{f':{place.line}' if place.line else ''}" for place in finding.related
    )
    if others:
        yield from wrapped(printable(f"also in {_few(list(others))}"), width)


def _when(commit: Commit) -> str:
    """A commit for people; what isn't known of it is left out."""
    known = f"{commit.day} {commit.author[:_LONGEST_NAME]}".strip() if commit.time else ""
    return f"{commit.id[:10]} ({known})" if known else commit.id[:10]


def _few(names: Sequence[str]) -> str:
    more = len(names) - _FEW
    return f"{', '.join(names[:_FEW])}{f' and {more} more' if more > 0 else ''}"
