"""The results of `seal`, `reseal` and `convert` in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fluxsecrets.ops.run.results import BatchResult, FileResult, MovedResult, Outcome

from .json import page
from .page import Page, Table
from .results import files_data, remarks, result_data, result_rows
from .text import Cell, Row, printable

_NOTHING = (Outcome.UNCHANGED, Outcome.FAILED, Outcome.LEFT)


def _text_page(command: str, batch: BatchResult) -> Page:
    yield Table(_rows(batch.files))
    yield from remarks(batch)


def _json_page(command: str, batch: BatchResult) -> Page:
    return page(command, files_data(batch, [_file_data(result) for result in batch.files]))


FORMATS: Mapping[str, Callable[[str, BatchResult], Page]] = {"text": _text_page, "json": _json_page}


def _rows(results: Sequence[FileResult]) -> list[Row]:
    """A row per file: path, outcome, values, from what to what, and for whom or where."""
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
