"""Results of `seal`, `reseal` and `convert` as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.ops.run.results import BatchResult, FileResult, MovedResult, Outcome
from fluxsecrets.report.json import files_json, result_data
from fluxsecrets.report.text import Cell, Row, printable, result_rows

_NOTHING = (Outcome.UNCHANGED, Outcome.FAILED, Outcome.LEFT)


def moved_rows(results: Sequence[FileResult]) -> list[Row]:
    """A row a file: path, outcome, values, from what to what, and for whom or where."""
    rows: list[Row] = []
    for row, result in zip(result_rows(results), results, strict=True):
        path, outcome, values, recipients = row
        rows.append((path, outcome, values, Cell(_way(result)), _join(recipients, _places(result))))
    return rows


def _way(result: FileResult) -> str:
    if not isinstance(result, MovedResult) or not result.before or result.outcome in _NOTHING:
        return ""
    return f"{', '.join(result.before)} → {result.after}"


def _places(result: FileResult) -> str:
    if not isinstance(result, MovedResult) or result.outcome in _NOTHING:
        return ""
    kept = (f"{result.kept} kept",) if result.kept else ()
    return printable(", ".join((*result.places, *kept)))


def _join(cell: Cell, more: str) -> Cell:
    return Cell(", ".join(text for text in (cell.text, more) if text), cell.style)


def moved_json(command: str, batch: BatchResult) -> str:
    """The results of a command that changes how Secrets are kept."""
    return files_json(command, batch, [_file_data(result) for result in batch.files])


def _file_data(result: FileResult) -> dict[str, object]:
    known = result if isinstance(result, MovedResult) else MovedResult(result.path, result.outcome)
    return {
        **result_data(result),
        "before": list(known.before),
        "after": known.after,
        "places": list(known.places),
        "kept": known.kept,
        "renamed": known.renamed,
    }
