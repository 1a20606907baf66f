"""Results as JSON; docs/json-output.md describes it, and `version` changes when it does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.explain import Explanation
from fluxsecrets.ops.files.status import FileStatus
from fluxsecrets.ops.run.results import BatchResult, FileResult
from fluxsecrets.shell import with_file

VERSION = 1


def batch_json(command: str, batch: BatchResult) -> str:
    """The results of a command that changes files."""
    return files_json(command, batch, [result_data(result) for result in batch.files])


def files_json(command: str, batch: BatchResult, files: Sequence[dict[str, object]]) -> str:
    """The results of a command that changes files, with what it has to say on each."""
    summary = dict(sorted(Counter(str(result.outcome) for result in batch.files).items()))
    return dump(
        {
            "version": VERSION,
            "command": command,
            "files": list(files),
            "summary": summary,
            "notes": list(batch.notes),
        }
    )


def result_data(result: FileResult) -> dict[str, object]:
    """One file's result."""
    return {
        "path": result.path,
        "outcome": result.outcome,
        "values": result.values,
        "recipients": list(result.recipients),
        "warnings": list(result.warnings),
        "error": error_data(result.error),
    }


def status_json(states: Sequence[FileStatus], notes: Sequence[str]) -> str:
    """The state of files."""
    files = [
        {
            "path": status.path,
            "state": status.state,
            "values": status.values,
            "recipients": list(status.recipients),
            "openable": status.openable,
            "selector": status.selector,
            "lastmodified": status.lastmodified,
            "reason": status.reason,
            "drift": list(status.drift),
            "error": error_data(status.error),
        }
        for status in states
    ]
    summary = dict(sorted(Counter(str(status.state) for status in states).items()))
    return dump(
        {"version": VERSION, "command": "status", "files": files, "summary": summary, "notes": list(notes)}
    )


def explanation_json(explanation: Explanation) -> str:
    """An explanation."""
    data = asdict(
        explanation,
        dict_factory=lambda items: {
            key: value for key, value in items if not isinstance(value, FluxsecretsError)
        },
    )
    data["problem"] = error_data(explanation.problem)
    return dump({"version": VERSION, "command": "explain", **data})


def error_data(error: FluxsecretsError | None) -> dict[str, object] | None:
    """An error, or null where there is none."""
    if error is None:
        return None
    return {
        "message": error.message,
        "path": error.path,
        "line": error.line,
        "column": error.column,
        "details": list(error.details),
        "hint": with_file(error.hint, error.path) if error.hint else error.hint,
    }


def dump(data: dict[str, object]) -> str:
    """Data as text."""
    # ASCII, so that no byte of a path can disturb a terminal or a pipe.
    return json.dumps(data, indent=2)
