"""Results of a task as JSON, and back: data that is checked field by field, and never a pickle.

What has a meaning inside one run alone, such as what a value is known by, never leaves a worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import IntEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.findings import Finding, RuleInfo
from fluxsecrets.findings.allow import AllowedFinding, Remark
from fluxsecrets.findings.baseline import BaselineEntry
from fluxsecrets.ops.checks.excuses import Excuse
from fluxsecrets.repo.git.history import Commit

_LEFT_OUT = frozenset({"value_id", "marks", "meaning"})
"""Fields that keep their defaults on the other side."""

_LONGEST = 256 * 2**20


class Problem(NamedTuple):
    """An error, as data."""

    message: str
    hint: str | None = None
    path: str | None = None
    line: int | None = None
    column: int | None = None
    details: tuple[str, ...] = ()


class RepositoryResult(NamedTuple):
    """What came of one repository; as the fields of `ScanResult`, with paths relative to its top."""

    findings: tuple[Finding, ...] = ()
    known: tuple[Finding, ...] = ()
    allowed: tuple[AllowedFinding, ...] = ()
    remarks: tuple[Remark, ...] = ()
    gone: tuple[BaselineEntry, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: int = 0
    excuses: tuple[Excuse, ...] = ()
    rules: tuple[RuleInfo, ...] = ()
    nothing: str = ""


def problem(error: FluxsecretsError) -> Problem:
    """Return an error as data."""
    return Problem(error.message, error.hint, error.path, error.line, error.column, error.details)


def error(found: Problem) -> FluxsecretsError:
    """Return an error of its data."""
    return FluxsecretsError(
        found.message,
        hint=found.hint,
        path=found.path,
        line=found.line,
        column=found.column,
        details=found.details,
    )


def encode(result: RepositoryResult) -> str:
    """Return a result as JSON."""
    return json.dumps(_plain(result), separators=(",", ":"))


def decode(text: object) -> RepositoryResult:
    """Return a result from JSON.

    Raises:
        FormatError: this is not a result.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise _wrong()
    try:
        found = _typed(RepositoryResult, json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _wrong() from None
    assert isinstance(found, RepositoryResult)  # noqa: S101 - `_typed` made it
    return found


def _wrong() -> FormatError:
    return FormatError(
        "a worker sent something that is not the result of a scan",
        hint="run the same version of fluxsecrets here and on all workers",
    )


def _plain(value: object) -> object:
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float):
        return value
    kind: Any = type(value)
    names = _names(kind)
    if names is not None:
        return {name: _plain(getattr(value, name)) for name in names if name not in _LEFT_OUT}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} does not travel")


def _typed(kind: Any, data: object) -> Any:
    """Data as what a type says.

    Raises:
        TypeError, ValueError, KeyError: the data is something else.
    """
    origin: object = get_origin(kind)
    if origin in (Union, UnionType):
        return _optional(kind, data)
    if origin is tuple:
        if not isinstance(data, list):
            raise TypeError
        return tuple(_typed(get_args(kind)[0], item) for item in data)
    if origin is Literal or kind in (str, int, bool, float):
        if data not in get_args(kind) if origin is Literal else type(data) is not kind:
            raise TypeError
        return data
    if kind is date:
        return date.fromisoformat(str(data))
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return kind[str(data)]
    names = _names(kind)
    if names is None or not isinstance(data, Mapping) or not names >= set(data):
        raise TypeError
    hints = _hints(kind)
    return kind(**{name: _typed(hints[name], item) for name, item in data.items()})


def _optional(kind: Any, data: object) -> Any:
    if data is None and NoneType in get_args(kind):
        return None
    (inner,) = (each for each in get_args(kind) if each is not NoneType)
    return _typed(inner, data)


@cache
def _names(kind: type) -> frozenset[str] | None:
    """The fields of a named tuple or a dataclass, or None for anything else."""
    if is_dataclass(kind):
        return frozenset(field.name for field in fields(kind))
    names = getattr(kind, "_fields", None)
    return None if names is None else frozenset(names)


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind, localns={"Commit": Commit, "date": date})
