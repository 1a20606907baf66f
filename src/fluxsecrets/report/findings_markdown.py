"""Findings as Markdown, for the summary of a CI job or a comment: a table, the worst first.

It fits into a comment on GitHub. What does not fit is counted, never left out silently.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .alike import further_lines, with_one_remedy
from .markdown import LIMIT, code, fitting, prose, size, table
from .page import Lines, Page
from .text import counted

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding

    from .found import Found

_HEAD = ("Severity", "Where", "What", "What to do")
_FOR_NOTICES = LIMIT // 4
_FOR_THE_END = 500


def markdown_page(found: Found) -> Page:
    """A heading, what was not judged or needs an eye, and a table of the findings."""
    yield Lines(list(_lines(found)))


def _lines(found: Found) -> Iterator[str]:
    notices = list(_notices(found))
    listed = sorted(found.listed, key=lambda item: -item.severity)
    rows = list(table(_HEAD, map(_row, with_one_remedy(listed)))) if listed else []
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


def _row(findings: Sequence[Finding]) -> tuple[str, ...]:
    first, *others = findings
    hint = with_file(first.hint, first.location.path)
    more = f", and {len(others)} more" if others else ""
    lines = further_lines(others)
    return (
        str(first.severity),
        code(str(first.location)) + (f" {lines}" if lines else ""),
        prose(first.message) + more,
        prose(hint),
    )
