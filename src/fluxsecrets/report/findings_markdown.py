"""Findings as Markdown, for the summary of a CI job or a comment: a table, the worst first.

It fits into a comment on GitHub. What does not fit is counted, never left out silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .markdown import LIMIT, code, fitting, prose, size, table
from .page import Lines, Page
from .text import counted

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding

    from .found import Found

_HEAD = ("Severity", "Where", "What", "What to do")
_FOR_NOTICES = LIMIT // 4
_FOR_THE_END = 500
_LINES = 8


def markdown_page(found: Found) -> Page:
    """A heading, what was not judged or needs an eye, and a table of the findings."""
    yield Lines(list(_lines(found)))


def _lines(found: Found) -> Iterator[str]:
    notices = list(_notices(found))
    listed = sorted(found.listed, key=lambda item: -item.severity)
    rows = list(table(_HEAD, map(_row, _grouped(listed)))) if listed else []
    shown_notices = fitting(notices, _FOR_NOTICES)
    lines = [f"### fluxsecrets {found.command}", "", prose(found.summary), ""]
    if notices:
        lines += [*shown_notices, *_more(len(notices) - len(shown_notices), found), ""]
    shown_rows = fitting(rows, LIMIT - size(lines) - _FOR_THE_END)
    lines += shown_rows
    if rows:
        lines += ["", *_more(len(rows) - len(shown_rows), found)]
    if found.known or found.allowed:
        lines.append(f"{len(found.known)} known to the baseline, {len(found.allowed)} allowed")
    yield from lines


def _more(count: int, found: Found) -> Sequence[str]:
    if not count:
        return ()
    return (f"- and {counted(count, 'more line')}; `fluxsecrets {found.command} --format json` has all",)


def _notices(found: Found) -> Iterator[str]:
    for error in found.errors:
        yield f"- **not judged**: {code(error.place or found.command)}: {prose(error.message)}"
    for excuse in found.excuses:
        text = f"this {excuse.says} {excuse.rule} in {excuse.excused}"
        place = code(f"{excuse.path}:{excuse.line}")
        yield f"- **new excuse**: {place}: {prose(found.brought_by)} its own excuse: {prose(text)}"
    for remark in found.remarks:
        place = code(f"{remark.path}:{remark.line}")
        yield f"- **{prose(remark.problem)} allowance**: {place}: {prose(remark.message)}"
    for text in found.remaining:
        yield f"- **not looked at**: {prose(text)}"


def _grouped(findings: Iterable[Finding]) -> Iterable[Sequence[Finding]]:
    """Findings of a rule in a file that have the same remedy, together: its lines would bury other files."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for each in findings:
        place = each.location
        key = (each.severity, each.rule, place.path, place.commit, each.hint)
        groups.setdefault(key, []).append(each)
    return groups.values()


def _row(findings: Sequence[Finding]) -> tuple[str, ...]:
    first, *others = findings
    hint = with_file(first.hint, first.location.path)
    more = f", and {len(others)} more" if others else ""
    return (
        str(first.severity),
        code(str(first.location)) + _further_lines(others),
        prose(first.message) + more,
        prose(hint),
    )


def _further_lines(findings: Iterable[Finding]) -> str:
    """The lines of further findings in the file, such as ` 12, 14, …`."""
    lines = list(dict.fromkeys(each.location.line for each in findings if each.location.line is not None))
    shown = [str(line) for line in lines[:_LINES]]
    return f" {', '.join(shown)}{', …' if len(lines) > _LINES else ''}" if shown else ""
