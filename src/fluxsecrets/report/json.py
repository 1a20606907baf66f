"""Results as JSON; docs/json-output.md describes it, and `version` changes when it does.

The forms of the objects are the types in `wire`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fluxsecrets.shell import with_file

from .page import Lines, Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fluxsecrets.errors import FluxsecretsError

    from .base import Base
    from .wire.common import Error, Failure

VERSION = 2


def page(command: str | None, data: Mapping[str, object], base: Base) -> Page:
    """The data of a command, with what all JSON output starts with.

    Args:
        command: None if there is no such command.
        data: one of `wire.outputs.OUTPUTS`, or a failure.
        base: what its paths are relative to.
    """
    return [Lines([dump({"version": VERSION, "command": command, "root": base.shown_root, **data})])]


def failure_page(command: str | None, error: FluxsecretsError, base: Base) -> Page:
    """An error that ended a command before it had a result."""
    data: Failure = {"error": error_data(error, base)}
    return page(command, data, base)


def term(value: object) -> Any:
    """A word whose type has more words than the wire type has, such as an outcome of any command.

    mypy can't check it, so tests compare the output with the schema. Otherwise, take the member's `value`.
    """
    return str(value)


def error_or_null(error: FluxsecretsError | None, base: Base) -> Error | None:
    """An error, or null."""
    return None if error is None else error_data(error, base)


def error_data(error: FluxsecretsError, base: Base) -> Error:
    """An error."""
    return {
        "message": error.message,
        "path": base.error_path(error),
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
