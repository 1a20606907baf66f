"""The results of commands that change files, one per file, in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from fluxsecrets.shell import MOST_PATHS, command_for

from .base import Base, here
from .page import Errors, Note, Page, Table, Warn
from .text import Cell, Row, counted, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.results import BatchResult, FileResult

    from .wire import files as wire

_SEVERAL = 4
"""Files that a sentence names; of more it names some and counts the rest."""
STYLES = {
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
    "published": "green",
    "would publish": "yellow",
    "differs from its rule": "yellow",
    "invalid in Kubernetes": "yellow",
    "plain": "yellow",
    "failed": "red",
}


def text_page(command: str, batch: BatchResult) -> Page:
    """A row per file, then everything that is not one file's, and how to follow the rules."""
    yield Table(listed_rows(batch.files if batch.listed is None else batch.listed))
    yield from remarks(batch)
    for line in drift_lines([(result.path, result.drift) for result in batch.files]):
        yield Note(line)


_PLURALS = {"differs from its rule": "differ from their rule"}
"""Outcomes that are not the same for several files."""


def json_page(command: str, batch: BatchResult) -> Page:
    """The results of a command that changes files."""
    from .json import page

    base = here()
    data: wire.Encrypted = {"files": [_file_data(each, base) for each in batch.files], **totals(batch)}
    return page(command, data, base)


def _file_data(result: FileResult, base: Base) -> wire.EncryptedFile:
    from .json import term

    return {**result_data(result, base), "outcome": term(result.outcome)}


FORMATS: Mapping[str, Callable[[str, BatchResult], Page]] = {"text": text_page, "json": json_page}


def remarks(batch: BatchResult) -> Page:
    """Notes, warnings, errors, the summary, and what is left to do."""
    for note in batch.notes:
        yield Note(f"note: {note}")
    for line in warning_lines(batch.files):
        yield Warn(line)
    yield Errors([result.error for result in batch.files if result.error is not None])
    yield Note(summary(batch))
    for step in batch.next_steps:
        yield Note(printable(step))


def summary(batch: BatchResult) -> str:
    """A sentence such as `3 files: 2 encrypted, 1 unchanged`."""
    from fluxsecrets.ops.run.results import Outcome

    counts = Counter(result.outcome for result in batch.files)
    parts = ", ".join(
        f"{counts[outcome]} {_PLURALS.get(outcome, outcome) if counts[outcome] > 1 else outcome}"
        for outcome in Outcome
        if counts[outcome]
    )
    return f"{counted(len(batch.files), 'file')}: {parts}" if parts else f"0 files: {batch.empty}"


def result_rows(results: Sequence[FileResult]) -> list[Row]:
    """A row per file: path, outcome, values, recipients."""
    return [
        (
            Cell(printable(result.path)),
            Cell(result.outcome, STYLES.get(result.outcome, "")),
            Cell(value_count(result.values) if result.outcome != "unchanged" else ""),
            Cell(printable(", ".join(result.recipients)) if result.outcome != "unchanged" else ""),
        )
        for result in results
    ]


def listed_rows(
    results: Sequence[FileResult], make: Callable[[Sequence[FileResult]], list[Row]] = result_rows
) -> list[Row]:
    """A row per file, and one for all that failed with so many others that the error is said once.

    `make` makes the rows.
    """
    from .errors import shares_cause  # `status` of one file does without

    together = shares_cause([result.error for result in results])
    rows = make([result for result, left_out in zip(results, together, strict=True) if not left_out])
    return [*rows, *([more_failed(sum(together))] if any(together) else [])]


def more_failed(count: int) -> Row:
    """The row for files that failed for the reason of those above."""
    return (Cell(counted(count, "more file")), Cell("failed", STYLES["failed"]))


def value_count(values: int | None) -> str:
    """How many values, or nothing where that is not known."""
    return "" if values is None else counted(values, "value")


def drift_lines(files: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """How to bring files in line with their rules."""
    lines = []
    people = [path for path, drift in files if "recipients" in drift]
    if people:
        lines.append(f"to follow the rules: {_command('recipients sync', people)}")
    values = [path for path, drift in files if "selector" in drift]
    if values:
        decrypt, encrypt = _command("decrypt -i", values), _command("encrypt", values)
        lines.append(f"to follow the rules' selectors: {decrypt}, then {encrypt}")
    rules = [path for path, drift in files if "rule" in drift]
    if rules:
        lines.append(f"to see why a rule can't be followed: {_command('explain', rules[:1])}")
    return [printable(line) for line in lines]


def _command(command: str, paths: Sequence[str]) -> str:
    """A command for files; where they are too many for a line, the user picks them."""
    if len(paths) > MOST_PATHS:
        return f"`fluxsecrets {command} FILE…`"
    return f"`{command_for(command, paths)}`"


def several(paths: Sequence[str]) -> str:
    """Paths in a sentence: all of a few, or some and the number of the others."""
    if len(paths) <= _SEVERAL:
        return ", ".join(paths)
    return f"{', '.join(paths[: _SEVERAL - 1])} and {len(paths) - _SEVERAL + 1} more files"


def warning_lines(results: Sequence[FileResult]) -> list[str]:
    """Warnings; one that many files share is shown once."""
    by_warning: dict[str, list[str]] = {}
    for result in results:
        for warning in result.warnings:
            by_warning.setdefault(warning, []).append(result.path)
    lines = []
    for warning, paths in sorted(by_warning.items(), key=lambda each: -len(each[1])):
        where = paths[0] if len(paths) == 1 else f"{len(paths)} files"
        lines.append(printable(f"warning: {where}: {warning}"))
    from .alike import few_lines

    return few_lines(lines, "warning")


def totals(batch: BatchResult) -> wire.Totals:
    """What is not about a single file."""
    outcomes = dict(sorted(Counter(str(result.outcome) for result in batch.files).items()))
    return {"summary": outcomes, "notes": [*batch.notes, *batch.next_steps]}


def result_data(result: FileResult, base: Base) -> wire.FileResult:
    """What all commands say of a file."""
    from .json import error_or_null

    return {
        "path": base.path(result.path),
        "values": result.values,
        "recipients": list(result.recipients),
        "warnings": list(result.warnings),
        "error": error_or_null(result.error, base),
    }
