"""Findings as text: by file, each with its place and severity, and what to do once per file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from .alike import few
from .page import Errors, FindingList, Lines, Note, Page, Sentence, Warn
from .text import Cell, Row, aligned, counted, hint_lines, path_shower, printable

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding
    from fluxsecrets.findings.allow import Remark
    from fluxsecrets.ops.checks.excuses import Excuse
    from fluxsecrets.repo.tree import Note as TreeNote

    from .found import Found

COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "blue"}
_NOTES_SHOWN = 5
_OLD_SHOWN = 5


def text_page(found: Found) -> Page:
    """Findings, then what to know about them, and the summary."""
    show_path = path_shower(found.root)
    listed = found.listed if found.everything else _few_per_rule(found.listed)
    yield FindingList(listed, show_path)
    for number, line in enumerate(_left_lines(found, listed)):
        yield Lines([""] * (number == 0))
        yield Sentence(line, indent="")
    for line in (
        *_remark_lines([each for each in found.remarks if each.commit is None], show_path),
        *_old_lines([each for each in found.remarks if each.commit is not None], show_path),
        *_excuse_lines(found.excuses, found.brought_by, show_path),
    ):
        yield Warn(line)
    yield Errors(found.errors)
    for line in (*note_lines(found.notes, show_path), *_baseline_lines(found, show_path), *found.remaining):
        yield Note(line)
    yield Note(f"{found.summary}{_extra(found)}")
    yield from map(Note, found.advice)


def _few_per_rule(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Findings; of a rule that many files break, those of the first few files. Leaks in commits all count."""
    pairs = dict.fromkeys((each.rule, _file(each)) for each in findings if each.history is None)
    every = list(pairs)
    shown = {every[at] for at in few([rule for rule, _ in every]).shown}
    return [each for each in findings if each.history is not None or (each.rule, _file(each)) in shown]


def _left_lines(found: Found, listed: Sequence[Finding]) -> Iterator[str]:
    """What is not listed, the most frequent rule first."""
    left = Counter(finding.rule for finding in found.listed)
    left.subtract(finding.rule for finding in listed)
    files = Counter(rule for rule, _ in {(each.rule, _file(each)) for each in found.listed})
    shown = Counter(rule for rule, _ in {(each.rule, _file(each)) for each in listed})
    for rule, count in left.most_common():
        if count:
            more = counted(files[rule] - shown[rule], "more file")
            yield f"{rule}: {counted(count, 'finding')} in {more}; {found.lists_all}"


def _file(finding: Finding) -> tuple[str | None, str | None, str]:
    place = finding.location
    return place.repository, place.commit, place.path


def _baseline_lines(found: Found, show_path: Callable[[str], str]) -> Iterator[str]:
    if found.written is None or found.baseline is None:
        return
    name = os.path.relpath(found.baseline, found.root).replace(os.sep, "/")
    written = counted(found.written.entries, "finding")
    yield f"{show_path(name)}: {written} written; commit it, and take them off one by one"
    if found.written.note is not None:
        yield f"{show_path(name)}: {found.written.note}"


def _extra(found: Found) -> str:
    extra = []
    if found.known and found.written is None:
        extra.append(f"{len(found.known)} more known to the baseline")
    if found.allowed:
        tools = Counter(item.tool for item in found.allowed if item.tool)
        by = ", ".join(f"{count} in the words of {tool}" for tool, count in sorted(tools.items()))
        extra.append(f"{len(found.allowed)} allowed{f', {by}' if by else ''}")
    if found.gone:
        extra.append(f"{len(found.gone)} of the baseline gone: --update-baseline takes them off")
    return f" ({'; '.join(extra)})" if extra else ""


def findings_lines(
    findings: Sequence[Finding],
    show_path: Callable[[str], str] = str,
    style: Callable[[Cell], str] = lambda cell: cell.text,
    width: int | None = None,
) -> list[str]:
    """Findings by file, with what to do under each file's.

    The width is in columns of the terminal, or None.
    """
    of_commits = [finding for finding in findings if finding.history is not None]
    if of_commits:
        from .findings_history import history_lines

        rest = findings_lines([each for each in findings if each.history is None], show_path, style, width)
        between = [""] if rest else []
        return [*history_lines(of_commits, _row, show_path, style, width), *between, *rest]
    groups: dict[tuple[str | None, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.location.commit, finding.location.path), []).append(finding)
    lines: list[str] = []
    for (commit, path), group in groups.items():
        shown = show_path(path)
        head = f"{shown}  (commit {commit[:10]})" if commit else shown
        lines += [*([""] if lines else []), style(Cell(printable(head), "bold"))]
        rows = [_row(finding) for finding in group]
        lines += [line for each in aligned(rows, width, style) for line in each]
        lines += hint_lines((finding.hint for finding in group), shown, width)
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


def _old_lines(remarks: Sequence[Remark], show_path: Callable[[str], str] = str) -> list[str]:
    """A few of the old versions of files that can't be judged, as warnings."""
    lines = _remark_lines(remarks[:_OLD_SHOWN], show_path)
    if len(remarks) > _OLD_SHOWN:
        more = counted(len(remarks) - _OLD_SHOWN, "more file")
        lines.append(f"warning: old versions of {more} can't be judged; --format json lists all")
    return lines


def _remark_lines(remarks: Sequence[Remark], show_path: Callable[[str], str] = str) -> list[str]:
    """Allowances that need an eye, as warnings; of many that say the same, the first few."""
    lines = []
    alike: Counter[tuple[str, str]] = Counter()
    for remark in remarks:
        kind = (remark.path, remark.message)
        alike[kind] += 1
        if alike[kind] <= _MOST_ALIKE:
            lines.append(printable(f"warning: {show_path(remark.path)}:{remark.line}: {remark.message}"))
    for (path, message), count in alike.items():
        if count > _MOST_ALIKE:
            more = f"{count - _MOST_ALIKE} more places: {message}"
            lines.append(printable(f"warning: {show_path(path)}: {more}"))
    return lines


_MOST_ALIKE = 3
_MOST_EXCUSES = 20


def _excuse_lines(
    excuses: Sequence[Excuse], brought_by: str, show_path: Callable[[str], str] = str
) -> list[str]:
    """What lets findings pass and is as new as they are, as warnings.

    `brought_by` names the change and its verb, such as `this commit` and `adds`.
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


def note_lines(notes: Sequence[TreeNote], show_path: Callable[[str], str] = str) -> list[str]:
    """The first few of what was not followed."""
    lines = [
        f"note: {show_path(note.path)}{f':{note.line}' if note.line else ''}: {note.message}"
        for note in notes[:_NOTES_SHOWN]
    ]
    if len(notes) > _NOTES_SHOWN:
        lines.append(f"note: {len(notes) - _NOTES_SHOWN} more like these: see them with --format json")
    return lines
