"""What is encrypted, and for whom, in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from fluxsecrets.ops.files.status import FileStatus, State, StatusResult
from fluxsecrets.repo.offboarding import Leaver, Unfinished
from fluxsecrets.repo.openers import Openers
from fluxsecrets.repo.othertools import OtherUse
from fluxsecrets.shell import MOST_PATHS, command_again, command_for
from fluxsecrets.sops.recipients import recipient_text

from .base import Base, here
from .page import Errors, Note, Page, Table
from .results import STYLES, drift_lines, more_failed, several, value_count
from .text import Cell, Row, counted, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire import state as wire

_OPENS = {None: "cannot tell", True: "you can open it", False: "you cannot open it"}


def _text_page(found: StatusResult) -> Page:
    yield Table(_rows(found.files))
    for note in found.notes:
        yield Note(f"note: {note}")
    for line in _locked_lines(found.files):
        yield Note(f"note: {printable(line)}")
    yield Errors([*found.errors, *(status.error for status in found.files if status.error is not None)])
    yield Note(_summary(found.files))
    if any(status.state is State.PLAIN for status in found.files):
        paths, environment = found.request.paths, found.request.environment
        many = len(paths) > MOST_PATHS
        again = (command_again if many else command_for)("encrypt", paths, environment)
        yield Note(f"encrypt what is plain: {again}")
    work, others = found.work, {path for paths in found.work.drifted.values() for path in paths}
    # Drift that somebody else has to end, and drift that ends with a removal, have lines of their own.
    own = [(status.path, _own_drift(status, others | work.removed_from)) for status in found.files]
    for line in (*drift_lines(own), *_work_lines(found)):
        yield Note(printable(line))


def _rows(files: Sequence[FileStatus]) -> list[Row]:
    """A row per file, and one for all that failed with so many others that the error is said once."""
    errors = [status.error for status in files]
    if all(error is None for error in errors):
        return [*map(_row, files)]
    from .errors import shares_cause

    together = shares_cause(errors)
    rows = [_row(status) for status, left_out in zip(files, together, strict=True) if not left_out]
    return [*rows, *([more_failed(sum(together))] if any(together) else [])]


def _own_drift(status: FileStatus, others: Collection[str]) -> Sequence[str]:
    return [each for each in status.drift if each != "recipients" or status.path not in others]


def _work_lines(found: StatusResult) -> Iterator[str]:
    """What is left to do, who can do it, and how."""
    openable = {status.path for status in found.files if status.openable}
    for each in found.work.removals:
        parts = [f"still opens {counted(len(each.files), 'file')}"] if each.files else []
        if each.unsettled:
            parts.append(f"may know the data key of {counted(len(each.unsettled), 'file')}")
        yield f"open work: {each.leaver.name} {each.leaver.left}, but {' and '.join(parts)}"
        for can, paths in each.who.items():
            command = _end(each, paths)
            yield f"  {several(paths)}"
            if not can.enough:
                yield f"    nobody else can open {_it(paths)}: write the values anew, and encrypt them"
                continue
            who = "you" if openable.issuperset(paths) else str(can)
            yield f"    {who} can change {_it(paths)}: {command}"
    for leaver, places in found.work.returned:
        yield f"open work: {leaver.name} left on {leaver.since}, but is named again in {', '.join(places)}"
        command = command_for("recipients remove", (leaver.name,))
        yield f"    {command}; if they are back, delete {leaver.path}"
    for can, paths in found.work.drifted.items():
        verb = "does" if len(paths) == 1 else "do"
        yield f"open work: {counted(len(paths), 'file')} {verb} not follow the rules"
        yield f"  {several(paths)}"
        if can.enough:
            yield f"    {can} can change {_it(paths)}: {command_for('recipients sync', paths)}"
    yield from _proposal_lines(found, openable)


def _proposal_lines(found: StatusResult, openable: Collection[str]) -> Iterator[str]:
    waiting = [each.path for each in found.proposals if each.why_left is None]
    if waiting:
        verb = "waits" if len(waiting) == 1 else "wait"
        yield f"open work: {counted(len(waiting), 'proposal')} {verb} to be folded"
        yield f"  {several(waiting)}"
        who = "you" if set(waiting) <= set(openable) else "a holder of a key"
        yield f"    {who} can fold {_it(waiting)}: {command_again('fold', found.request.paths)}"
    for each in found.proposals:
        if each.why_left is not None:
            yield f"open work: {each.path} is a proposal that can't be folded: {each.why_left}"


def _end(each: Unfinished, paths: Sequence[str]) -> str:
    """The command that ends a removal for files. Someone who left an environment may be named in others."""
    if each.leaver.environments:
        return command_for("rotate", paths)
    return command_for("recipients remove", (each.leaver.name,))


def _it(paths: Sequence[str]) -> str:
    return "it" if len(paths) == 1 else "them"


def _work_data(found: StatusResult, base: Base) -> Iterator[wire.OpenWork]:
    nothing: wire.OpenWork = {
        "kind": "drift",
        "name": None,
        "recipient": None,
        "since": None,
        "files": [],
        "unsettled": [],
        "places": [],
        "who": [],
        "command": "",
        "reason": None,
    }
    for each in found.work.removals:
        yield {
            **nothing,
            **_leaver_data(each.leaver),
            "kind": "removal",
            "files": base.paths(each.files),
            "unsettled": base.paths(each.unsettled),
            "who": _workers(each.who, base),
            "command": _end(each, each.unsettled),
        }
    for leaver, places in found.work.returned:
        yield {
            **nothing,
            **_leaver_data(leaver),
            "kind": "returned",
            "places": base.paths(places),
            "command": command_for("recipients remove", (leaver.name,)),
        }
    for who, paths in found.work.drifted.items():
        yield {
            **nothing,
            "files": base.paths(paths),
            "who": _workers({who: paths}, base),
            "command": command_for("recipients sync", paths),
        }
    for proposal in found.proposals:
        yield {
            **nothing,
            "kind": "proposal",
            "files": [base.path(proposal.path)],
            "command": command_for("fold", (proposal.path,)),
            "reason": proposal.why_left,
        }


def _leaver_data(leaver: Leaver) -> wire.Gone:
    return {"name": leaver.name, "recipient": recipient_text(leaver.recipient), "since": leaver.since}


def _workers(who: Mapping[Openers, Sequence[str]], base: Base) -> list[wire.Workers]:
    return [{"people": str(people), "files": base.paths(paths)} for people, paths in who.items()]


def _json_page(found: StatusResult) -> Page:
    from .json import error_data, page

    base = here()
    data: wire.Status = {
        "files": [_file_data(status, base) for status in found.files],
        "summary": dict(sorted(Counter(str(status.state) for status in found.files).items())),
        "open_work": list(_work_data(found, base)),
        "notes": list(found.notes),
        "errors": [error_data(error, base) for error in found.errors],
    }
    return page("status", data, base)


FORMATS: Mapping[str, Callable[[StatusResult], Page]] = {"text": _text_page, "json": _json_page}


def _row(status: FileStatus) -> Row:
    """Path, state, values, whether you can open it, and for whom or why it is a secret."""
    detail = ", ".join(status.recipients) if status.state is State.ENCRYPTED else status.reason
    reader = status.decrypted_by
    if reader is not None:
        detail += f"; for {reader.tool.name} ({reader.path}:{reader.line})"
    return (
        Cell(printable(status.path)),
        Cell(f"{status.state}, differs from its rule", "yellow")
        if status.drift
        else Cell(status.state, STYLES.get(status.state, "")),
        Cell(value_count(status.values)),
        Cell(_opens(status), "" if status.openable else "yellow"),
        Cell(printable(detail)),
    )


def _opens(status: FileStatus) -> str:
    return _OPENS[status.openable] if status.state is State.ENCRYPTED else ""


def _locked_lines(files: Sequence[FileStatus]) -> Iterator[str]:
    """For each reason why nobody can tell whether files can be opened, how many those are."""
    counts = Counter(reason for status in files for reason in status.locked)
    for reason, count in counts.items():
        yield f"cannot tell whether you can open {counted(count, 'file')}: {reason}"


def _summary(files: Sequence[FileStatus]) -> str:
    """A sentence such as `3 files: 2 encrypted, 1 plain`."""
    counts = Counter(status.state for status in files)
    parts = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    drifted = sum(bool(status.drift) for status in files)
    more = f" ({drifted} not as the rules want)" if drifted else ""
    if not parts:
        return "0 files: no file with a secret was found"
    return f"{counted(len(files), 'file')}: {parts}{more}"


def _reader_data(use: OtherUse | None, base: Base) -> wire.DecryptedBy | None:
    if use is None:
        return None
    return {"tool": use.tool.id, "path": base.path(use.path), "line": use.line}


def _file_data(status: FileStatus, base: Base) -> wire.StatusFile:
    from .json import error_or_null

    return {
        "path": base.path(status.path),
        "state": status.state.value,
        "values": status.values,
        "recipients": list(status.recipients),
        "openable": status.openable,
        "locked": list(status.locked),
        "selector": status.selector,
        "lastmodified": status.lastmodified,
        "reason": status.reason,
        "drift": [each.value for each in status.drift],
        "decrypted_by": _reader_data(status.decrypted_by, base),
        "error": error_or_null(status.error, base),
    }
