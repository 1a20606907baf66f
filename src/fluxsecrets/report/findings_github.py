"""Findings as workflow commands of GitHub Actions, which show them beside the lines of a pull request.

GitHub shows ten errors, ten warnings and ten notices per step, so the worst come first, and what has the same
remedy in a file is one annotation. Every text is
escaped as the runner expects it: a file name can neither end a command nor begin another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .alike import further_lines, with_one_remedy
from .member import file_place
from .page import Lines, Note, Page
from .text import printable, well_formed

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding

    from .found import Found

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def github_page(found: Found) -> Page:
    """A line per error, finding, allowance to look at and part not looked at; the rest is counted."""
    yield Lines(list(_commands(found)))
    if found.known or found.allowed:
        yield Note(f"{len(found.known)} known to the baseline, {len(found.allowed)} allowed")
    yield Note(found.summary)


def _commands(found: Found) -> Iterator[str]:
    for error in found.errors:
        hint = with_file(error.hint, error.path) if error.hint else ""
        text = f"{error.message}; {hint}" if hint else error.message
        yield _command("error", text, error.path, error.line, error.column, f"{found.command}: not judged")
    for group in with_one_remedy(sorted(found.listed, key=lambda item: -item.severity)):
        first = group[0]
        place, inner = file_place(first.location)
        level = _LEVELS[str(first.severity)]
        yield _command(level, _text(group, inner), place.path, place.line, place.column, first.rule)
    for remark in found.remarks:
        title = f"{remark.problem} allowance"
        yield _command("warning", remark.message, remark.path, remark.line, None, title)
    for excuse in found.excuses:
        text = f"{found.brought_by} its own excuse: this {excuse.says} {excuse.rule} in {excuse.excused}"
        yield _command("warning", text, excuse.path, excuse.line, None, "new excuse")
    for text in found.remaining:
        yield _command("notice", text, None, None, None, "not looked at")


def _text(group: Sequence[Finding], inner: str) -> str:
    finding, *others = group
    lines = further_lines(others) if not inner else ""  # a line of a file in an archive says nothing here
    more = f", and {len(others)} more" if others else ""
    more += f" ({'lines' if ',' in lines else 'line'} {lines})" if lines else ""
    commit = finding.location.commit
    where = f" (commit {commit[:10]})" if commit else ""
    unsure = "" if str(finding.confidence) == "high" else f" ({finding.confidence} confidence)"
    return f"{finding.message}{inner}{more}{unsure}{where}; {with_file(finding.hint, finding.location.path)}"


def _command(
    level: str, text: str, path: str | None, line: int | None, column: int | None, title: str
) -> str:
    places = {
        "file": well_formed(path) if path is not None else None,
        "line": line,
        "col": column if line is not None else None,
        "title": printable(title),
    }
    properties = ",".join(
        f"{name}={_bare(str(value)).translate(_PROPERTY)}"
        for name, value in places.items()
        if value is not None
    )
    return f"::{level} {properties}::{printable(text).translate(_DATA)}"


def _bare(text: str) -> str:
    """A property without what moves a terminal's cursor, but with the line breaks that a file's name has."""
    return "".join(letter if letter in "\r\n" else printable(letter) for letter in text)
