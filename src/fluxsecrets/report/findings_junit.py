"""Findings as JUnit XML, which CI systems show as tests: one suite per file, one failed test per finding.

Elements and attributes are those that Jenkins's xUnit plugin accepts (junit-10.xsd). What the baseline knows,
and what is allowed, is a skipped test with its reason. A file that could not be judged is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.shell import with_file

from .page import Lines, Page
from .text import printable

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding

    from .found import Found

_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\ufffe": "?", "\uffff": "?"})


class _Case(NamedTuple):
    """A test: its suite, its name, and what came of it (`failure`, `error`, `skipped` or "")."""

    suite: str
    name: str
    outcome: str = ""
    kind: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()


def junit_page(found: Found) -> Page:
    """A document with a suite per file; without any finding one passed test, since CI refuses none."""
    title = f"fluxsecrets {found.command}"
    cases = [*_cases(found, title)] or [_Case(title, found.summary)]
    suites: dict[str, list[_Case]] = {}
    for case in cases:
        suites.setdefault(case.suite, []).append(case)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    counts = _counts(cases)
    del counts["skipped"]  # the schema has it for suites only
    lines.append(f"<testsuites{_attributes({'name': title, **counts})}>")
    for suite, inside in suites.items():
        lines.append(f"  <testsuite{_attributes({'name': suite, **_counts(inside)})}>")
        lines += [line for case in inside for line in _case_lines(case)]
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return [Lines(lines)]


def _cases(found: Found, title: str) -> Iterator[_Case]:
    for error in found.errors:
        place = f"line {error.line}" if error.line is not None else "whole file"
        hint = (with_file(error.hint, error.path),) if error.hint else ()
        lines = (*error.details, *hint)
        yield _Case(error.path or title, f"not judged: {place}", "error", "not-judged", error.message, lines)
    for finding in found.findings:
        lines = (_place(finding), finding.excerpt or "", with_file(finding.hint, finding.location.path))
        yield _case(finding, "failure", finding.message, tuple(filter(None, lines)))
    for finding in found.known:
        yield _case(finding, "skipped", "known to the baseline")
    for text in found.remaining:
        yield _Case(title, f"not looked at: {text}", "skipped", "not-looked-at", text)
    for item in found.allowed:
        yield _case(item.finding, "skipped", f"allowed: {item.reason} ({item.path}:{item.line})")


def _case(finding: Finding, outcome: str, message: str, lines: tuple[str, ...] = ()) -> _Case:
    place = finding.location
    where = "" if place.line is None else f" {place.line}:{place.column or 1}"
    commit = f" in commit {place.commit[:10]}" if place.commit else ""
    name = f"{finding.rule}{where}{commit}"
    return _Case(place.path, name, outcome, finding.rule, message, lines)


def _place(finding: Finding) -> str:
    return f"{finding.location}: {finding.severity}, {finding.confidence} confidence"


def _case_lines(case: _Case) -> Iterator[str]:
    head = _attributes({"classname": case.suite, "name": case.name})
    if not case.outcome:
        yield f"    <testcase{head}/>"
        return
    yield f"    <testcase{head}>"
    start = f"      <{case.outcome}{_attributes({'type': case.kind, 'message': case.message})}"
    if case.lines:
        body = "\n".join(map(_escaped, case.lines))
        yield f"{start}>{body}</{case.outcome}>"
    else:
        yield f"{start}/>"
    yield "    </testcase>"


def _counts(cases: list[_Case]) -> dict[str, object]:
    outcomes = Counter(case.outcome for case in cases)
    return {
        "tests": len(cases),
        "failures": outcomes["failure"],
        "errors": outcomes["error"],
        "skipped": outcomes["skipped"],
    }


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f' {name}="{_escaped(str(value))}"' for name, value in values.items())


def _escaped(text: str) -> str:
    """A text with what XML can't hold, such as control characters, as visible escapes."""
    return printable(text).translate(_TEXT)
