"""A log as entries for people: one for each file of each run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .logfile import Event, read_events

UNFINISHED = "unfinished"
"""The outcome of a run that started and whose end is unknown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a run did with one file, or without a file.

    Attributes:
        line: 1-based line of the log.
        time: RFC 3339.
        user: who, with the name before `sudo` where that was used.
        path: the file, as it was named from `folder`; None where the run was about none.
        about: the key in the file, the name of an identity, or that of standard input; or None.
        keys: public keys whose identities opened it.
    """

    line: int
    time: str
    user: str
    host: str
    program: str
    command: str
    path: str | None
    folder: str
    environment: str | None
    about: str | None
    outcome: str
    keys: tuple[str, ...] = ()
    error: str | None = None


def read_entries(
    log: Path, *, path: str | None = None, user: str | None = None, last: int | None = None
) -> tuple[tuple[Entry, ...], bool]:
    """Return the entries of a log, oldest first, and whether lines of it are unreadable.

    `path` is a part of a file's path. `last` is the number of newest entries to return; None returns all.

    Raises:
        FileAccessError: it cannot be read.
    """
    damaged: list[int] = []
    wanted: deque[Entry] = deque(maxlen=last)
    for entry in _entries(log, damaged):
        if (path is None or path in (entry.path or "")) and (user is None or user in entry.user.split()):
            wanted.append(entry)
    return tuple(sorted(wanted, key=lambda entry: entry.line)), bool(damaged)


def _entries(log: Path, damaged: list[int]) -> Iterator[Entry]:
    open_runs: dict[str, tuple[int, Event]] = {}
    with_files: set[str] = set()
    for line, event in read_events(log):
        run = event.get("run") if event is not None else None
        if event is None or not isinstance(run, str):
            damaged.append(line)
        elif event.get("event") == "start":
            open_runs[run] = line, event
        elif event.get("event") == "file":
            with_files.add(run)
            yield _entry(line, event, open_runs.get(run, (0, {}))[1])
        elif event.get("event") == "end":
            _, start = open_runs.pop(run, (0, {}))
            if run not in with_files:
                yield _entry(line, event, start)
            with_files.discard(run)
    for line, start in open_runs.values():
        paths = start.get("paths")
        for path in paths if isinstance(paths, list) and paths else [None]:
            yield _entry(line, {**start, "path": path, "outcome": UNFINISHED}, start)


def _entry(line: int, event: Event, start: Event) -> Entry:
    def text(source: Event, name: str) -> str:
        value = source.get(name)
        return value if isinstance(value, str) else ""

    keys = event.get("keys")
    user, before = text(start, "user"), text(start, "sudo_user")
    return Entry(
        line,
        text(event, "time"),
        f"{user} ({before})" if before else user,
        text(start, "host"),
        text(start, "program"),
        text(event, "command"),
        text(event, "path") or None,
        text(start, "folder"),
        text(start, "environment") or None,
        next(filter(None, (text(start, name) for name in ("key", "name", "identity", "filename"))), None),
        text(event, "outcome") or text(event, "result"),
        tuple(key for key in keys if isinstance(key, str)) if isinstance(keys, list) else (),
        text(event, "error") or None,
    )
