"""What was interrupted, and how it ended, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.ops.people.recover import PutAside, Recovery
from fluxsecrets.ops.run.journal import Ended, FileSeen, Way
from fluxsecrets.ops.run.kept import LOCKED
from fluxsecrets.ops.run.runlock import RunInfo
from fluxsecrets.ops.run.settling import FileState
from fluxsecrets.shell import file_word

from .base import Base, here, rooted
from .json import error_or_null, page
from .page import Errors, Lines, Note, Page, Table, Warn
from .text import Cell, Row, printable

if TYPE_CHECKING:
    from .wire import changes as wire

_MANY = 40
"""Files from which only those are listed that somebody changed."""

_STYLES = {FileState.DONE: "green", FileState.CHANGED: "yellow"}
_WAYS = {Way.RESUME: "completed", Way.ABORT: "taken back", Way.LEAVE: "left as they are"}


def _text_page(found: Recovery, cwd: Path, everything: bool) -> Page:
    if found.holder is not None:
        yield Lines([f"nothing was interrupted: {_running(found.holder)}"])
    elif found.problem is not None:
        yield Errors([found.problem])
        yield Lines(_ways(found))
    elif found.operation is None:
        yield Lines(["nothing was interrupted here"])
    else:
        begun = found.operation.begun
        yield Lines(
            [
                printable(
                    f"`fluxsecrets {begun.command}` was interrupted: begun {begun.shown_since} by "
                    f"{begun.user}@{begun.host} (process {begun.pid}, no longer running)"
                )
            ]
        )
        listed = everything or len(found.files) <= _MANY
        yield Table([_row(each) for each in found.files if listed or each.state is FileState.CHANGED])
        yield Lines([_summary(found), *_ways(found)])
    for folder in found.kept:
        yield Note(
            f"versions of an earlier operation are kept in {_shown(folder, cwd)}: delete it when you no "
            "longer need them"
        )


def _running(holder: RunInfo) -> str:
    if not holder.command:
        return "another fluxsecrets is changing files here"
    return printable(
        f"`fluxsecrets {holder.command}` is running (process {holder.pid} on {holder.host}, since "
        f"{holder.shown_since})"
    )


def _row(each: FileSeen) -> Row:
    reason = each.reason if each.state is FileState.CHANGED else ""
    return (
        Cell(printable(each.path)),
        Cell(str(each.state), _STYLES.get(each.state, "")),
        Cell(printable(reason)),
    )


def _summary(found: Recovery) -> str:
    parts = [f"{found.count(state)} {state}" for state in FileState if found.count(state)]
    return f"{_files(len(found.files))}: {', '.join(parts)}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _ways(found: Recovery) -> Iterator[str]:
    """What each way does to the files as they are."""
    done, changed = found.count(FileState.DONE), found.count(FileState.CHANGED)
    does = {
        Way.RESUME: f"completes it: {_files(found.count(FileState.PENDING))} to go",
        Way.ABORT: f"takes it back: {_files(done)} to put back"
        if done
        else "forgets it: nothing to put back",
        Way.LEAVE: "changes no file, and keeps the old and new versions aside",
    }
    if found.problem is not None:
        does[Way.LEAVE] = "changes no file, and puts the journal aside"
    yield "ways to end it:"
    for way in found.ways:
        yield f"  fluxsecrets recover --{way:<8} {does[way]}"
    if changed:
        what = "the changed file stays" if changed == 1 else f"the {changed} changed files stay"
        yield f"  either way {what} as found, and the versions from before and after are kept aside"


def ended_page(ended: Ended, cwd: Path) -> Page:
    """How an operation ended."""
    operation = ended.operation
    count = len(operation.paths) - (len(ended.kept) if ended.way is not Way.LEAVE else 0)
    yield Note(f"{_files(count)}: {_WAYS[ended.way]}")
    if ended.folder is not None:
        listed = ended.kept if len(ended.kept) <= _MANY else ended.kept[:_MANY]
        for each in listed:
            yield Warn(printable(f"warning: {each.path} {each.reason}, and stays as it is"))
        if len(listed) < len(ended.kept):
            yield Warn(f"warning: {_files(len(ended.kept) - len(listed))} more stay as they are")
        yield from _versions(ended, ended.folder, cwd)
    for note in ended.notes:
        yield Note(note)


def _versions(ended: Ended, folder: Path, cwd: Path) -> Iterator[Warn]:
    """Where the versions are, how they are opened, and what to do with them."""
    shown = _shown(folder, cwd)
    yield Warn(f"  versions from before and after the operation: {shown}/before, {shown}/after")
    versions = [path for each in ended.kept for path in (each.before, each.after) if path is not None]
    for way, locked in (("decrypt", False), ("recover --show", True)):
        one = next((path for path in versions if path.name.endswith(LOCKED) is locked), None)
        if one is not None:
            yield Warn(f"  look at one with `fluxsecrets {way} {file_word(_shown(one, cwd))}`")
    yield Warn(
        f"  compare them; run `fluxsecrets {ended.operation.name}` again where a file needs it; then delete "
        f"{shown}"
    )


def _put_aside_page(aside: PutAside, cwd: Path) -> Page:
    yield Note(f"the journal is in {_shown(aside.folder, cwd)} now; no file was changed")
    yield Warn(printable(f"warning: {aside.problem.message}: compare the files with git"))


def outcome_page(ended: Ended | PutAside, cwd: Path) -> Page:
    """How an operation ended, for people."""
    return ended_page(ended, cwd) if isinstance(ended, Ended) else _put_aside_page(ended, cwd)


def _outcome_json(ended: Ended | PutAside, _cwd: Path) -> Page:
    base = here()
    if isinstance(ended, PutAside):
        return page("recover", _put_aside_data(ended, base), base)
    data: wire.Recovered = {
        "ended": {
            "way": ended.way.value,
            "command": ended.operation.name,
            "files": len(ended.operation.paths),
            "done": ended.done,
            "folder": _folder(ended.folder, base),
            "kept": [
                {
                    "path": each.path,
                    "reason": each.reason,
                    "before": _folder(each.before, base),
                    "after": _folder(each.after, base),
                }
                for each in ended.kept
            ],
        },
        "notes": list(ended.notes),
    }
    return page("recover", data, base)


def _put_aside_data(aside: PutAside, base: Base) -> wire.Recovered:
    return {
        "ended": {
            "way": "leave",
            "command": None,
            "files": 0,
            "done": 0,
            "folder": _folder(aside.folder, base),
            "kept": [],
        },
        "notes": [aside.problem.message],
    }


def _folder(path: Path | None, base: Base) -> str | None:
    return None if path is None else base.path(str(path))


def _json_page(found: Recovery, _cwd: Path, _everything: bool) -> Page:
    begun = found.operation.begun if found.operation is not None else None
    base = rooted(found.root)
    data: wire.Recovery = {
        "running": _run_data(found.holder),
        "interrupted": _run_data(begun),
        "files": [
            {"path": each.path, "state": each.state.value, "reason": each.reason} for each in found.files
        ],
        "problem": error_or_null(found.problem, base),
        "ways": [way.value for way in found.ways],
        "kept": [base.path(str(folder)) for folder in found.kept],
        "summary": {str(state): found.count(state) for state in FileState},
    }
    return page("recover", data, base)


def _run_data(run: RunInfo | None) -> wire.Run | None:
    if run is None:
        return None
    return {"command": run.command, "since": run.since, "user": run.user, "host": run.host, "pid": run.pid}


def _shown(path: Path, cwd: Path) -> str:
    return printable(str(path.relative_to(cwd) if path.is_relative_to(cwd) else path))


FORMATS: Mapping[str, Callable[[Recovery, Path, bool], Page]] = {"text": _text_page, "json": _json_page}
"""Renderers of the state; they also take the working directory, and whether to list all of many files."""

OUTCOME_FORMATS: Mapping[str, Callable[[Ended | PutAside, Path], Page]] = {
    "text": outcome_page,
    "json": _outcome_json,
}
"""Renderers of how it ended."""
