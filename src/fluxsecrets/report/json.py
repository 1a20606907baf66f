"""Results as JSON; docs/json-output.md describes it, and `version` changes when it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .page import Lines, Page

if TYPE_CHECKING:
    from fluxsecrets.errors import FluxsecretsError

VERSION = 1


def page(command: str, data: Mapping[str, object]) -> Page:
    """The data of a command, with what all JSON output starts with."""
    return [Lines([dump({"version": VERSION, "command": command, **data})])]


def error_data(error: FluxsecretsError | None) -> dict[str, object] | None:
    """An error, or null."""
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


def dump(data: Mapping[str, object] | Sequence[object]) -> str:
    """Data as text."""
    import json  # a table at a terminal does without

    # ASCII, so that no byte of a path can disturb a terminal or a pipe.
    return json.dumps(data, indent=2)
