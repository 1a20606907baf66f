"""What differs between two states as Markdown, for a comment or the summary of a CI job."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.compare.diff import Diff
from fluxsecrets.ops.compare.model import FileDiff, ValueState
from fluxsecrets.sops.document import show_path

from .diff_text import ARROW, described, facts, summary
from .markdown import LIMIT, code, fitting, prose, size, table
from .page import Lines, Page
from .text import counted

_HEAD = ("What", "Key", "Value")
_WORDS = {ValueState.REENCRYPTED: "same value"}
_FOR_THE_END = 200


def markdown_page(found: Diff) -> Page:
    """A heading, and a table per file. What does not fit into a comment is counted."""
    head = ["### fluxsecrets diff", "", prose(summary(found)), ""]
    lines = [line for each in found.files for line in _file(each)]
    shown = fitting(lines, LIMIT - size(head) - _FOR_THE_END)
    more = len(lines) - len(shown)
    end = [f"{counted(more, 'more line')}; `fluxsecrets diff --format json` has all"] if more else []
    yield Lines([*head, *shown, *end])


def _file(each: FileDiff) -> Iterator[str]:
    old = f"{code(each.old_path)} {ARROW} " if each.old_path is not None else ""
    yield f"#### {old}{code(each.path)}: {each.state}"
    yield ""
    for fact in facts(each):
        yield f"- {'**' if fact.grave else ''}{prose(fact.text)}{'**' if fact.grave else ''}"
    for side, when in ((each.before, "before"), (each.after, "after")):
        if side is not None and side.error is not None:
            yield f"- **{when}**: {prose(side.error.message)}"
    rows = [
        (
            _WORDS.get(value.state, str(value.state)),
            code(f"{value.object} {show_path(value.path)}".strip()),
            code(described(value)),
        )
        for value in each.values
    ]
    rows += [
        (
            "reference",
            code(f"{value.object} {value.key}".strip()),
            code(f"{value.before} {ARROW} {value.after}"),
        )
        for value in each.references
    ]
    if rows:
        yield ""
        yield from table(_HEAD, rows)
    yield ""
