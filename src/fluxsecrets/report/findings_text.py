"""Findings as text: by file, each with its place, how bad it is, and once a file what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.report.text import Cell, Row, laid_out, printable
from fluxsecrets.shell import with_file

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding
    from fluxsecrets.findings.allow import Remark
    from fluxsecrets.ops.checks.excuses import Excuse

COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "blue"}


def shown_path(path: str, root: Path, cwd: Path) -> str:
    """A finding's path as the user would name it from the working directory."""
    if root == cwd or Path(path).is_absolute():
        return path
    return os.path.relpath(root / path, cwd).replace(os.sep, "/")


def findings_lines(
    findings: Sequence[Finding],
    show_path: Callable[[str], str] = str,
    style: Callable[[Cell], str] = lambda cell: cell.text,
    width: int | None = None,
) -> list[str]:
    """Findings by file, with what to do under each file's.

    Args:
        findings: in the order of their places.
        show_path: a path as the user would name it.
        style: a cell's text, coloured or not.
        width: columns of the terminal, or None.
    """
    groups: dict[tuple[str | None, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.location.commit, finding.location.path), []).append(finding)
    lines: list[str] = []
    for (commit, path), group in groups.items():
        shown = show_path(path)
        head = f"{shown}  (commit {commit[:10]})" if commit else shown
        lines += [*([""] if lines else []), style(Cell(printable(head), "bold"))]
        rows = [_row(finding) for finding in group]
        lines += laid_out(rows, width, style)
        hints = dict.fromkeys(with_file(finding.hint, shown) for finding in group)
        lines += [f"  {printable(hint)}" for hint in list(hints)[:4]]
    return lines


def _row(finding: Finding) -> Row:
    place = finding.location
    severity = str(finding.severity)
    position = "" if place.line is None else f"{place.line}:{place.column or 1}"
    unsure = "" if str(finding.confidence) == "high" else f"  ({finding.confidence} confidence)"
    return (
        Cell(f"  {position}"),
        Cell(severity, COLOURS[severity]),
        Cell(finding.rule),
        Cell(printable(finding.message + unsure)),
    )


def remark_lines(remarks: Sequence[Remark], show_path: Callable[[str], str] = str) -> list[str]:
    """Allowances that need an eye, as warnings."""
    return [
        printable(f"warning: {show_path(remark.path)}:{remark.line}: {remark.message}") for remark in remarks
    ]


_MOST_EXCUSES = 20


def excuse_lines(
    excuses: Sequence[Excuse], brought_by: str, show_path: Callable[[str], str] = str
) -> list[str]:
    """What lets findings pass and is as new as they are, as warnings.

    Args:
        excuses: in the order of what they excuse.
        brought_by: `this commit`, for example, and the verb that goes with it.
        show_path: a path as the user would name it.
    """
    lines = []
    for excuse in excuses[:_MOST_EXCUSES]:
        place, count = f"{show_path(excuse.path)}:{excuse.line}", excuse.findings
        many = f" ({count} findings)" if count > 1 else ""
        what = f"{place} {excuse.says} {excuse.rule} in {show_path(excuse.excused)}{many}"
        lines.append(printable(f"warning: {brought_by} its own excuse: {what}"))
    if len(excuses) > _MOST_EXCUSES:
        lines.append(f"warning: and {len(excuses) - _MOST_EXCUSES} more of these; --format json lists all")
    return lines
