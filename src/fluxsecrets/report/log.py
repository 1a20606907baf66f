"""The log, and what a check of it found, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fluxsecrets.ops.log.logfile import Verdict
from fluxsecrets.ops.log.logview import UNFINISHED, Entry

from .base import here
from .json import page
from .page import Lines, Note, Page, Table, Warn
from .text import Cell, Row, printable, text_width

if TYPE_CHECKING:
    from .wire import records as wire

ShownLog: TypeAlias = tuple[Path, Sequence[Entry], bool]
"""A log, its entries, and whether lines of it cannot be read."""

CheckedLog: TypeAlias = tuple[Path, Verdict, bool]
"""A log, what a check of it found, and whether there is no such file."""

_SHORT_KEY = 24


def _entries_text(logs: Sequence[ShownLog]) -> Page:
    for path, entries, damaged in logs:
        yield Table(entry_rows(entries))
        yield Note(f"{_shown(path)}: {len(entries)} {'entry' if len(entries) == 1 else 'entries'} shown")
        if damaged:
            yield Warn("warning: lines of it cannot be read: run `fluxsecrets log verify`")


def _entries_json(logs: Sequence[ShownLog]) -> Page:
    base = here()
    data: wire.Log = {
        "logs": [
            {
                "log": base.path(str(path)),
                "damaged": damaged,
                "entries": [_entry_data(entry) for entry in entries],
            }
            for path, entries, damaged in logs
        ]
    }
    return page("log", data, base)


def _entry_data(entry: Entry) -> wire.LogEntry:
    """An entry as it was written."""
    return {
        "line": entry.line,
        "time": entry.time,
        "user": entry.user,
        "host": entry.host,
        "program": entry.program,
        "command": entry.command,
        "path": entry.path,
        "folder": entry.folder,
        "environment": entry.environment,
        "about": entry.about,
        "outcome": entry.outcome,
        "keys": list(entry.keys),
        "error": entry.error,
    }


def _verdicts_text(verdicts: Sequence[CheckedLog]) -> Page:
    for path, verdict, missing in verdicts:
        if missing:
            yield Note(f"{_shown(path)}: nothing was logged yet, or the log was deleted")
        yield Lines(_verdict_lines(_shown(path), verdict))


def _verdicts_json(verdicts: Sequence[CheckedLog]) -> Page:
    base = here()
    data: wire.LogCheck = {
        "logs": [
            {
                "log": base.path(str(path)),
                "lines": verdict.lines,
                "anchor": verdict.anchor,
                "problems": [
                    {"line": problem.line, "message": problem.message} for problem in verdict.problems
                ],
            }
            for path, verdict, _ in verdicts
        ]
    }
    return page("log verify", data, base)


ENTRY_FORMATS: Mapping[str, Callable[[Sequence[ShownLog]], Page]] = {
    "text": _entries_text,
    "json": _entries_json,
}
VERDICT_FORMATS: Mapping[str, Callable[[Sequence[CheckedLog]], Page]] = {
    "text": _verdicts_text,
    "json": _verdicts_json,
}


def _shown(path: Path) -> str:
    cwd = Path.cwd()
    return path.relative_to(cwd).as_posix() if path.is_relative_to(cwd) else str(path)


def entry_rows(entries: Sequence[Entry]) -> list[Row]:
    """A row per entry: when, who and what, with which file, what came of it, by whose key."""
    users = [printable(entry.user) for entry in entries]
    commands = [printable(_command(entry)) for entry in entries]
    users, commands = _padded(users), _padded(commands)
    return [
        (
            # One cell, so that a terminal that is too narrow for a row breaks it before the file.
            Cell(f"{_time(entry)}   {user}   {command}"),
            Cell(printable(_about(entry))),
            Cell(printable(entry.outcome), "yellow" if entry.outcome in ("failed", UNFINISHED) else ""),
            Cell(printable(", ".join(map(_short, entry.keys)) or (entry.error or ""))),
        )
        for entry, user, command in zip(entries, users, commands, strict=True)
    ]


def _padded(texts: Sequence[str]) -> list[str]:
    width = max(map(text_width, texts), default=0)
    return [text + " " * (width - text_width(text)) for text in texts]


def _time(entry: Entry) -> str:
    return printable(entry.time[:19].replace("T", " "))


def _about(entry: Entry) -> str:
    place = entry.path or entry.environment
    return " ".join(filter(None, (place, entry.about))) or "-"


def _command(entry: Entry) -> str:
    program = entry.program.partition(" ")[0]
    return entry.command if program == "fluxsecrets" else f"{program} {entry.command}".strip()


def _short(key: str) -> str:
    return key if len(key) <= _SHORT_KEY else f"{key[:12]}…{key[-6:]}"


def _verdict_lines(shown: str, verdict: Verdict) -> list[str]:
    """What a check found, a line for each problem, and the anchor to keep."""
    count = f"{verdict.lines} {'line' if verdict.lines == 1 else 'lines'}"
    if not verdict.problems:
        lines = [f"{shown}: {count}, all as they were written"]
        return lines if verdict.anchor is None else [*lines, f"anchor: {verdict.anchor}"]
    found = [
        f"{shown}{f':{problem.line}' if problem.line is not None else ''}: {problem.message}"
        for problem in verdict.problems
    ]
    return [printable(line) for line in (*found, f"{shown}: {count}, not as they were written")]
