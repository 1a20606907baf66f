"""The machine and the record: `doctor`, `log`."""

from __future__ import annotations

from typing import Literal, TypedDict

from .common import Summary


class DoctorCheck(TypedDict):
    """One thing that was checked."""

    check: str
    """Its name; a check may have several entries."""
    state: Literal["ok", "problem", "cannot tell"]
    message: str
    command: str | None
    """Fixes the problem, and works when pasted."""
    hint: str | None


class Doctor(TypedDict):
    """What `doctor` found."""

    checks: list[DoctorCheck]
    summary: Summary


class Library(TypedDict):
    """A library that fluxsecrets uses."""

    name: str
    version: str | None
    """Null if it is not installed."""
    extra: str | None
    """The extra that brings it; null for one that every installation has."""


class Versions(TypedDict):
    """Versions of the program, of Python and of the libraries."""

    fluxsecrets: str
    """Version of the program."""
    python: str
    implementation: str
    """Such as CPython."""
    platform: str
    """System, release and machine."""
    libraries: list[Library]


class Agent(TypedDict):
    """The agent of this user."""

    running: bool
    pid: int | None
    """Of its process; this and all that follows is null if none runs."""
    uptime: int | None
    """Seconds since it started."""
    program: str | None
    """The version of fluxsecrets that it runs."""
    identities: int | None
    """How many private keys it keeps unlocked."""
    opened: int | None
    """How many keys of files it keeps that a hardware key, a plugin or gpg opened."""
    stores: bool | None
    """Whether it keeps any, see --no-store."""
    locks_in: int | None
    """Seconds without a request until it forgets them; null if it keeps none."""
    ends_in: int | None
    """Seconds until it ends."""
    current: bool | None
    """Whether the code on disk is still what it runs; if not, it declines all requests."""
    answered: int | None
    """How many requests it answered."""
    declined: dict[str, int] | None
    """How many requests it left to the command itself, by reason."""


class HookChanged(TypedDict):
    """What became of a hook, a driver or the attributes."""

    hook: str
    """Such as `pre-commit` or `merge driver`."""
    outcome: Literal["installed", "updated", "unchanged", "removed", "not installed", "not needed"]
    path: str
    """The file that it is in."""
    note: str | None


class HooksChanged(TypedDict):
    """What became of hooks, drivers and attributes."""

    hooks: list[HookChanged]


class HookState(TypedDict):
    """Whether a hook, a driver or the attributes do their work."""

    hook: str
    """Such as `pre-commit` or `merge driver`."""
    state: Literal["at work", "not last", "not at work"]
    path: str
    """The file that git runs or reads, or would."""
    problem: str | None
    hint: str | None


class HookStates(TypedDict):
    """Whether hooks and drivers do their work."""

    hooks: list[HookState]


class LogEntry(TypedDict):
    """What was done with a file."""

    line: int
    """1-based line of the log."""
    time: str
    """RFC 3339, UTC."""
    user: str
    host: str
    program: str
    """Such as fluxsecrets-sops, and its version."""
    command: str
    path: str | None
    """As it was named then, relative to `folder`."""
    folder: str
    """The working directory then, an absolute path."""
    environment: str | None
    """The one that was asked for."""
    about: str | None
    """The key in the file, the name of an identity, or that of standard input."""
    outcome: str
    """The file's outcome; done, failed, interrupted, replaced or unfinished if it is unknown."""
    keys: list[str]
    """Public keys whose identities opened it."""
    error: str | None
    """The kind of error."""


class LogFile(TypedDict):
    """A log and its entries."""

    log: str
    damaged: bool
    """Lines of it cannot be read."""
    entries: list[LogEntry]


class Log(TypedDict):
    """What was done with secrets here."""

    logs: list[LogFile]


class LogProblem(TypedDict):
    """A line that is not as it was written."""

    line: int | None
    """1-based; null for the end, or the anchor's file."""
    message: str


class LogVerdict(TypedDict):
    """What a check of a log found."""

    log: str
    lines: int
    anchor: str | None
    """Of the last line, for --anchor; null for an empty log."""
    problems: list[LogProblem]


class LogCheck(TypedDict):
    """Whether the logs are as they were written."""

    logs: list[LogVerdict]
