"""What several commands share."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

Severity: TypeAlias = Literal["critical", "high", "medium", "low"]

Summary: TypeAlias = dict[str, int]
"""Counts by outcome, state or verdict."""


class Error(TypedDict):
    """What is wrong; never contains a value of a file."""

    message: str
    path: str | None
    """The file with the problem, which may be .sops.yaml."""
    line: int | None
    """1-based."""
    column: int | None
    """1-based, in characters."""
    details: list[str]
    """More lines, such as the keys that were tried."""
    hint: str | None
    """What to do next. Commands in it work from the working directory."""


class Failure(TypedDict):
    """What ended a command before it had a result. The exit code is 2, or that of the interruption."""

    error: Error


class Note(TypedDict):
    """What was not followed or not analysed."""

    path: str
    line: int | None
    message: str
