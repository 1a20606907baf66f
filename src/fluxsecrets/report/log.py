"""The log as rows, as sentences, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fluxsecrets.ops.log.logfile import Verdict
from fluxsecrets.ops.log.logview import UNFINISHED, Entry
from fluxsecrets.report.json import VERSION, dump
from fluxsecrets.report.text import Cell, Row, printable, text_width

_SHORT_KEY = 24


def entry_rows(entries: Sequence[Entry]) -> list[Row]:
    """A row an entry: when, who and what, with which file, what came of it, by whose key."""
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


def entries_json(logs: Sequence[tuple[Path, Sequence[Entry], bool]]) -> str:
    """The entries of logs as data; docs/schema/results.schema.json describes it.

    Args:
        logs: each with its entries, and whether lines of it cannot be read.
    """
    data = [
        {
            "log": str(path),
            "damaged": damaged,
            "entries": [{**asdict(entry), "keys": list(entry.keys)} for entry in entries],
        }
        for path, entries, damaged in logs
    ]
    return dump({"version": VERSION, "command": "log", "logs": data})


def verdict_lines(shown: str, verdict: Verdict) -> list[str]:
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


def verdicts_json(verdicts: Sequence[tuple[Path, Verdict]]) -> str:
    """What checks found, as data; docs/schema/results.schema.json describes it."""
    data = [
        {
            "log": str(path),
            "lines": verdict.lines,
            "anchor": verdict.anchor,
            "problems": [{"line": problem.line, "message": problem.message} for problem in verdict.problems],
        }
        for path, verdict in verdicts
    ]
    return dump({"version": VERSION, "command": "log verify", "logs": data})
