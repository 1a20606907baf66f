"""Results as text: aligned columns, escaped names, errors that say what to do next."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.errors import DataKeyError
from fluxsecrets.redaction import without_private_keys
from fluxsecrets.shell import command_for, with_file

if TYPE_CHECKING:  # a command pays for the operations that it uses, not for those that could be shown
    from fluxsecrets.errors import FluxsecretsError
    from fluxsecrets.ops.files.explain import Explanation
    from fluxsecrets.ops.files.status import FileStatus
    from fluxsecrets.ops.run.results import FileResult

# What would move a terminal's cursor, hide text, or turn its direction around.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_GAP = "   "
_MOST_PATHS = 10
_FEW_PATHS = 3
_STYLES = {
    "encrypted": "green",
    "decrypted": "yellow",
    "would encrypt": "yellow",
    "rotated": "green",
    "would rotate": "yellow",
    "sealed": "green",
    "would seal": "yellow",
    "resealed": "green",
    "would reseal": "yellow",
    "converted": "green",
    "would convert": "yellow",
    "synced": "green",
    "would sync": "yellow",
    "differs from its rule": "yellow",
    "plain": "yellow",
    "failed": "red",
}


class Cell(NamedTuple):
    """A piece of text with a colour name, or "" for none."""

    text: str
    style: str = ""


Row = Sequence[Cell]


def printable(text: str) -> str:
    """Text with control characters escaped, safe for a terminal, and without private keys."""
    text = without_private_keys(text)
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def laid_out(
    rows: Sequence[Row], width: int | None, show: Callable[[Cell], str], *, outline: bool = False
) -> list[str]:
    """Rows as lines with columns aligned, three blanks between them.

    Where that is wider than the terminal, a path stands on a line of its own and the rest below it, so
    that nothing of a path is ever cut off.

    Args:
        rows: cells, already printable.
        width: columns of the terminal, or None where there is none.
        show: a cell's text, coloured or not; what it adds must have no width.
        outline: the first cells are indented as in a tree; where there are two lines, so is the second.
    """
    widths = _widths(rows)
    if width is None or sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        return [_line(row, widths, show) for row in rows]
    if outline:
        return [line for row in rows for line in _outlined(row, show)]
    rest = _widths([row[1:] for row in rows])
    return [
        line for row in rows for line in (show(row[0]), "  " + _line(row[1:], rest, show)) if line.strip()
    ]


def _widths(rows: Sequence[Row]) -> list[int]:
    columns = zip_longest(*rows, fillvalue=Cell(""))
    return [max(text_width(cell.text) for cell in column) for column in columns]


def _line(row: Row, widths: Sequence[int], show: Callable[[Cell], str]) -> str:
    cells = [(cell, width) for cell, width in zip(row, widths, strict=False) if width]
    while cells and not cells[-1][0].text:
        cells.pop()
    padded = [show(cell) + " " * (width - text_width(cell.text)) for cell, width in cells[:-1]]
    return _GAP.join([*padded, *(show(cell) for cell, _ in cells[-1:])])


def _outlined(row: Row, show: Callable[[Cell], str]) -> Iterator[str]:
    yield show(row[0])
    indent = " " * (len(row[0].text) - len(row[0].text.lstrip()) + 4)
    rest = [show(cell) for cell in row[1:] if cell.text]
    if rest:
        yield indent + _GAP.join(rest)


def text_width(text: str) -> int:
    """The columns that a text takes at a terminal: East Asian letters and most emoji take two."""
    if text.isascii():
        return len(text)
    return sum(_letter_width(letter) for letter in text)


def _letter_width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def result_rows(results: Sequence[FileResult]) -> list[Row]:
    """A row a file: path, outcome, values, recipients."""
    return [
        (
            Cell(printable(result.path)),
            Cell(result.outcome, _STYLES.get(result.outcome, "")),
            Cell(_count(result.values) if result.outcome != "unchanged" else ""),
            Cell(printable(", ".join(result.recipients)) if result.outcome != "unchanged" else ""),
        )
        for result in results
    ]


def status_rows(states: Sequence[FileStatus]) -> list[Row]:
    """A row a file: path, state, values, whether you can open it, and for whom or why it is a secret."""
    rows: list[Row] = []
    for status in states:
        opens = {None: "", True: "you can open it", False: "you cannot open it"}[status.openable]
        detail = (
            printable(", ".join(status.recipients))
            if status.state == "encrypted"
            else printable(status.reason)
        )
        rows.append(
            (
                Cell(printable(status.path)),
                Cell(f"{status.state}, differs from its rule", "yellow")
                if status.drift
                else Cell(status.state, _STYLES.get(status.state, "")),
                Cell(_count(status.values)),
                Cell(opens, "" if status.openable else "yellow"),
                Cell(detail),
            )
        )
    return rows


def _count(values: int | None) -> str:
    return "" if values is None else _plural(values, "value")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


class SimilarErrors(NamedTuple):
    """The same error, once or for many files.

    Attributes:
        error: one of them.
        times: how many there are.
        paths: the files that they are about, each once; one where a place has several.
    """

    error: FluxsecretsError
    times: int = 1
    paths: tuple[str, ...] = ()


def error_lines(similar: SimilarErrors, names: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """An error as lines: what is wrong and where, details, and what to do next.

    Args:
        similar: the error.
        names: recipient -> name, shown behind the keys that were tried.
    """
    error = similar.error
    place = f"{error.place}: " if error.place else ""
    also = ""
    many = len(similar.paths) > 1
    if many:
        place = f"{len(similar.paths)} files: "
    elif similar.times > 1:
        also = f" (and so for {_plural(similar.times - 1, 'more file')})"
    lines = [f"error: {place}{error.message}{also}"]
    if many:
        more = len(similar.paths) - _FEW_PATHS
        named = ", ".join(similar.paths[:_FEW_PATHS])
        lines.append(f"  in {named}{f' and {more} more' if more > 0 else ''}")
    tried = error.tried if isinstance(error, DataKeyError) and names else None
    lines += [f"  {detail}" for detail in (error.details if tried is None else tried.lines(names))]
    if error.hint:
        lines.append(f"  hint: {error.hint if many else with_file(error.hint, error.path)}")
    return [printable(line) for line in lines]


def similar_errors(errors: Sequence[FluxsecretsError]) -> list[SimilarErrors]:
    """Errors in order, those that are the same said once: of one place, or of many files as a whole."""
    found: dict[tuple[object, ...], list[FluxsecretsError]] = {}
    for error in errors:
        place = error.place if error.line is not None else None
        found.setdefault((place, error.message, error.details, error.hint), []).append(error)
    return [
        SimilarErrors(same[0], len(same), tuple(dict.fromkeys(each.path for each in same if each.path)))
        for same in found.values()
    ]


def drift_lines(files: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """How files that differ from their rules are brought in line: paths, each with what differs."""
    lines = []
    people = [path for path, drift in files if "recipients" in drift]
    if people:
        lines.append(f"to follow the rules: {_command('recipients sync', people)}")
    values = [path for path, drift in files if "selector" in drift]
    if values:
        decrypt, encrypt = _command("decrypt -i", values), _command("encrypt", values)
        lines.append(f"to follow the rules' selectors: {decrypt}, then {encrypt}")
    return [printable(line) for line in lines]


def _command(command: str, paths: Sequence[str]) -> str:
    """A command for files, or where they are too many for a line, for those that the user picks."""
    if len(paths) > _MOST_PATHS:
        return f"`fluxsecrets {command} FILE…`"
    return f"`{command_for(command, paths)}`"


def warning_lines(results: Sequence[FileResult]) -> list[str]:
    """Warnings, those that many files share said once."""
    by_warning: dict[str, list[str]] = {}
    for result in results:
        for warning in result.warnings:
            by_warning.setdefault(warning, []).append(result.path)
    lines = []
    for warning, paths in by_warning.items():
        where = paths[0] if len(paths) == 1 else f"{len(paths)} files"
        lines.append(printable(f"warning: {where}: {warning}"))
    return lines


def explanation_lines(explanation: Explanation) -> list[str]:
    """An explanation as a page of text."""
    lines = [explanation.path]
    state = "encrypted" if explanation.encrypted else "plain"
    lines.append(f"  state       {state}, {explanation.format}")
    lines.append(f"  config      {explanation.config or 'none found'}")
    if explanation.relative_path is not None:
        lines.append(f"  matched as  {explanation.relative_path}")
    for index, rule in enumerate(explanation.rules):
        mark = "applies" if rule.matched else "no     "
        head = "rules" if index == 0 else ""
        pattern = (
            "no path_regex, so every path" if rule.path_regex is None else f"path_regex {rule.path_regex}"
        )
        lines.append(f"  {head:10}  {rule.number}. line {rule.line}: {mark}  {pattern}")
    if explanation.narrow is not None:
        what = (
            "yes, this rule is narrow: what it names is a secret"
            if explanation.narrow
            else "not by this rule: it says how a secret is encrypted, not whether a file is one"
        )
        lines.append(f"  secret      {what} ({explanation.narrow_why})")
    if len(explanation.groups) > 1:
        lines.append(f"  groups      any {explanation.threshold} of these {len(explanation.groups)}")
    for index, group in enumerate(explanation.groups):
        head = "recipients" if index == 0 else ""
        lines.append(f"  {head:10}  {', '.join(group)}")
    if explanation.selector is not None:
        lines.append(f"  selector    {explanation.selector} ({explanation.selector_origin})")
    if explanation.values:
        encrypted = sum(value.encrypted for value in explanation.values)
        lines.append(f"  values      {encrypted} encrypted, {len(explanation.values) - encrypted} plain")
        width = max(len(value.key) for value in explanation.values)
        lines += [
            f"    {value.line:4}  {value.key:{width}}  {'encrypted' if value.encrypted else 'plain'}"
            for value in explanation.values
        ]
    return [printable(line) for line in lines]
