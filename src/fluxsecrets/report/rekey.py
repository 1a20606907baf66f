"""Results of `rotate` and `recipients` as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fluxsecrets.ops.files.rekey import RekeyResult
from fluxsecrets.ops.run.results import BatchResult, FileResult
from fluxsecrets.report.json import VERSION, dump, error_data
from fluxsecrets.report.results import files_data, result_data, result_rows
from fluxsecrets.report.text import Cell, Row, printable

if TYPE_CHECKING:
    from fluxsecrets.ops.people.recipients import RecipientList


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


def rekey_json(command: str, batch: BatchResult) -> str:
    """The results of a command that changes who can open files."""
    files = [_file_data(result) for result in batch.files]
    return dump({"version": VERSION, "command": command, **files_data(batch, files)})


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


def recipient_rows(listed: RecipientList) -> list[Row]:
    """A row a recipient: name, key, files, those of each environment, and where files and rules differ."""
    rows: list[Row] = []
    if listed.environments:
        names = [name or "elsewhere" for name in listed.environments]
        rows.append((Cell(""), Cell(""), Cell("in all"), *(Cell(printable(name)) for name in names)))
    for row in listed.recipients:
        remarks = []
        if row.not_in_rule:
            remarks.append(f"{_files(len(row.not_in_rule))} against the rules")
        if row.missing:
            remarks.append(f"{_files(len(row.missing))} missing by the rules")
        key = row.recipient if row.recipient != row.name else ""
        rows.append(
            (
                Cell(printable(row.name)),
                Cell(printable(key)),
                Cell(_files(len(row.files))),
                *(Cell(str(row.environments.get(name) or "-")) for name in listed.environments),
                Cell(", ".join(remarks), "yellow"),
            )
        )
    return rows


def recipients_json(listed: RecipientList, notes: Sequence[str]) -> str:
    """Who can read what."""
    recipients = [
        {
            "name": row.name,
            "kind": row.kind,
            "recipient": row.recipient,
            "files": list(row.files),
            "not_in_rule": list(row.not_in_rule),
            "missing": list(row.missing),
            "environments": {name: row.environments.get(name, 0) for name in listed.environments if name},
        }
        for row in listed.recipients
    ]
    data: dict[str, object] = {
        "version": VERSION,
        "command": "recipients list",
        "files": listed.files,
        "recipients": recipients,
        "errors": [error_data(error) for error in listed.errors],
        "notes": list(notes),
    }
    return dump(data)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
