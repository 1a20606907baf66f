"""Results of `rotate` and `recipients` as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fluxsecrets.ops.files.rekey import RekeyResult
from fluxsecrets.ops.run.results import BatchResult, FileResult
from fluxsecrets.report.json import page
from fluxsecrets.report.page import Page, Table
from fluxsecrets.report.results import files_data, remarks, result_data, result_rows
from fluxsecrets.report.text import Cell, Row, printable


def rekey_rows(results: Sequence[FileResult]) -> list[Row]:
    """A row a file: path, outcome, values, recipients, and what changed."""
    return [
        (*row, Cell(printable(_changes(result))))
        for row, result in zip(result_rows(results), results, strict=True)
    ]


def _changes(result: FileResult) -> str:
    if not isinstance(result, RekeyResult) or result.outcome == "unchanged":
        return ""
    parts = [f"+{name}" for name in result.added] + [f"-{name}" for name in result.removed]
    if result.rearranged:
        parts.append("order or groups")
    if result.new_data_key and result.outcome in ("synced", "would sync"):
        parts.append("new data key")
    if result.regenerated:
        parts.append(f"new: {', '.join(result.regenerated)}")
    return ", ".join(parts)


def text_page(command: str, batch: BatchResult) -> Page:
    """A row per file, with what changed, then everything that is not one file's."""
    yield Table(rekey_rows(batch.files))
    yield from remarks(batch)


def json_page(command: str, batch: BatchResult) -> Page:
    """The results of a command that changes who can open files."""
    return page(command, files_data(batch, [_file_data(result) for result in batch.files]))


FORMATS: Mapping[str, Callable[[str, BatchResult], Page]] = {"text": text_page, "json": json_page}


def _file_data(result: FileResult) -> dict[str, object]:
    known = result if isinstance(result, RekeyResult) else RekeyResult(result.path, result.outcome)
    return {
        **result_data(result),
        "added": list(known.added),
        "removed": list(known.removed),
        "rearranged": known.rearranged,
        "new_data_key": known.new_data_key,
        "regenerated": list(known.regenerated),
        "shared_with": list(known.shared_with),
    }


def regenerated_note(results: Sequence[FileResult]) -> tuple[str, ...]:
    """What new values want."""
    count = sum(len(result.regenerated) for result in results if isinstance(result, RekeyResult))
    if not count:
        return ()
    what = "1 value was" if count == 1 else f"{count} values were"
    return (
        f"{what} made anew: whatever uses them, such as a database that keeps a password itself, "
        "has to be told too",
    )


def history_note(results: Sequence[FileResult]) -> tuple[str, ...]:
    """What removing somebody does not do."""
    names = dict.fromkeys(
        name for result in results if isinstance(result, RekeyResult) for name in result.removed
    )
    if not names:
        return ()
    return (
        f"removed: {', '.join(names)}; what is in git's history stays readable for whoever was removed, "
        "so change the secret values themselves as well",
    )
