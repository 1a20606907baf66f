"""What is encrypted, and for whom, in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from fluxsecrets.ops.files.status import FileStatus, State, StatusResult
from fluxsecrets.shell import command_for

from .json import error_data, page
from .page import Errors, Note, Page, Table
from .results import STYLES, drift_lines, value_count
from .text import Cell, Row, counted, printable

_OPENS = {None: "", True: "you can open it", False: "you cannot open it"}


def _text_page(found: StatusResult) -> Page:
    yield Table([_row(status) for status in found.files])
    for note in found.notes:
        yield Note(f"note: {note}")
    yield Errors([status.error for status in found.files if status.error is not None])
    yield Note(_summary(found.files))
    if any(status.state is State.PLAIN for status in found.files):
        yield Note(
            f"encrypt what is plain: {command_for('encrypt', found.request.paths, found.request.environment)}"
        )
    for line in drift_lines([(status.path, status.drift) for status in found.files]):
        yield Note(line)


def _json_page(found: StatusResult) -> Page:
    states = dict(sorted(Counter(str(status.state) for status in found.files).items()))
    files = [_file_data(status) for status in found.files]
    return page("status", {"files": files, "summary": states, "notes": list(found.notes)})


FORMATS: Mapping[str, Callable[[StatusResult], Page]] = {"text": _text_page, "json": _json_page}


def _row(status: FileStatus) -> Row:
    """Path, state, values, whether you can open it, and for whom or why it is a secret."""
    detail = ", ".join(status.recipients) if status.state is State.ENCRYPTED else status.reason
    return (
        Cell(printable(status.path)),
        Cell(f"{status.state}, differs from its rule", "yellow")
        if status.drift
        else Cell(status.state, STYLES.get(status.state, "")),
        Cell(value_count(status.values)),
        Cell(_OPENS[status.openable], "" if status.openable else "yellow"),
        Cell(printable(detail)),
    )


def _summary(files: Sequence[FileStatus]) -> str:
    """A sentence such as `3 files: 2 encrypted, 1 plain`."""
    counts = Counter(status.state for status in files)
    parts = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    drifted = sum(bool(status.drift) for status in files)
    more = f" ({drifted} not as the rules want)" if drifted else ""
    return f"{counted(len(files), 'file')}: {parts}{more}" if parts else "0 files: no secret was found there"


def _file_data(status: FileStatus) -> dict[str, object]:
    return {
        "path": status.path,
        "state": status.state,
        "values": status.values,
        "recipients": list(status.recipients),
        "openable": status.openable,
        "selector": status.selector,
        "lastmodified": status.lastmodified,
        "reason": status.reason,
        "drift": list(status.drift),
        "error": error_data(status.error),
    }
