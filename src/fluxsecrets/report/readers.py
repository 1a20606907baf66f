"""Who can read what, and who could and when, as text and as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fluxsecrets.ops.people.leftvalues import Left, LeftFile, LeftValue, State
from fluxsecrets.repo.git.history import Commit
from fluxsecrets.report.base import here
from fluxsecrets.report.json import error_data, page, term
from fluxsecrets.report.page import Errors, Note, Page, Table, Warn
from fluxsecrets.report.rekey import doubt_notes
from fluxsecrets.report.text import Cell, Row, counted, printable
from fluxsecrets.shell import file_word
from fluxsecrets.sops.recipients import recipient_text

if TYPE_CHECKING:
    from fluxsecrets.ops.people.exposure import Exposure, Reader
    from fluxsecrets.ops.people.leavers import Report
    from fluxsecrets.ops.people.offboard import Removal
    from fluxsecrets.ops.people.recipients import RecipientList

    from .wire import people as wire

_STYLES = {State.OPEN: "yellow", State.UNKNOWN: "yellow", State.LOOK: "yellow"}
_PLACES_SHOWN = 3


def commit_text(commit: Commit | None) -> str:
    """A commit with its day, or that it is the work tree."""
    if commit is None:
        return "now"
    return f"{commit.id[:10]} {_day(commit)}"


def _day(commit: Commit) -> str:
    return datetime.fromtimestamp(commit.time, UTC).date().isoformat()


_ADVICE = (
    (r"\.dockerconfigjson|dockercfg", "get a new token from the registry, and revoke the old one"),
    (
        r"tls\.(key|crt)|(private|ssh).?key|\.pem$|identity$",
        "make a new key pair, and revoke the certificate",
    ),
    (r"agekey$", "make a new identity: `fluxsecrets rotate --env NAME --identity`"),
    (r"token|api.?key|webhook|hook.?url", "get a new one from its issuer, and revoke the old one"),
    (r"pass|pwd|secret", "change it here and where it is checked, such as in the database"),
    (r"dsn|url|uri|conn", "change the credentials in it, here and where they are checked"),
    (r"user|name|host|email|client.?id|account", "if it is not a secret, accept it"),
)
"""What to do about a value, by its name; the first match counts."""


def _advice(value: LeftValue) -> str:
    if value.state is State.LOOK:
        return "it may be in a file that can't be compared"
    if value.state is State.GONE:
        return "revoke what it opened, if that still exists"
    if value.state is State.CHANGED:
        return "make sure that the old value no longer works"
    name = (value.key or value.path.rpartition("/")[2]).lower()
    if "." in value.key and "dockerconfig" not in name:
        name = name.rpartition(".")[2]
    for pattern, advice in _ADVICE:
        if re.search(pattern, name):
            return advice
    return "set a new value with `fluxsecrets set PATH KEY --stdin`"


def value_rows(values: Sequence[LeftValue]) -> list[Row]:
    """A row a value: where it is, since when it could be read, what became of it, what to do."""
    return [
        (
            Cell(printable(value.place)),
            Cell(printable(_since(value))),
            Cell(value.state.value, _STYLES.get(value.state, "")),
            Cell(printable(value.reason or ("" if value.state is State.DONE else _to_do(value)))),
        )
        for value in values
    ]


def _since(value: LeftValue) -> str:
    since = f"{'plain text, ' if value.plain else ''}since {commit_text(value.since)}"
    return f"{since}, {together(value.together)}" if value.together else since


def together(groups: Sequence[str], missing: int = 0) -> str:
    """Of whom somebody needs others; a group's people are joined by `or`."""
    if missing and missing < len(groups):
        return f"together with {missing} of: {'; '.join(groups)}"
    return f"together with {' and '.join(groups)}"


def _to_do(value: LeftValue) -> str:
    if value.here or not value.places:
        return _advice(value)
    shown, more = value.places[:_PLACES_SHOWN], len(value.places) - _PLACES_SHOWN
    return f"in use as {', '.join(shown)}{f' and {more} more' if more > 0 else ''}: {_advice(value)}"


def file_rows(files: Sequence[LeftFile]) -> list[Row]:
    """A row per file that can't be compared: its path, what became of it, and why."""
    return [
        (
            Cell(printable(file.path)),
            Cell(""),
            Cell(file.state.value, _STYLES.get(file.state, "")),
            Cell(
                printable(
                    file.reason or ("" if file.state is State.DONE else f"can't be compared: {file.why}")
                )
            ),
        )
        for file in files
    ]


def _cannot(file: LeftFile) -> str:
    return f"can't be compared: {file.why}"


def summary(left: Left, name: str) -> str:
    """How many values somebody could read, and how many are left to change or to look at."""
    if not left.values:
        return (
            f"{name} could read no value in these commits" if left.cut else f"{name} could never read a value"
        )
    look = sum(value.state is State.LOOK for value in left.values)
    change = len(left.open_values) - look
    parts = [f"{change or 'none'} left to change"]
    if look:
        parts.append(f"{look} left to look at")
    if left.open_files:
        parts.append(f"{counted(len(left.open_files), 'file')} left to look at")
    return f"{name} could read {counted(len(left.values), 'value')} at some time: {', '.join(parts)}"


CUT_OFF = (
    "the history of this clone is cut off, so there may be more: run it in a clone with the whole history"
)


def left_page(plan: Removal) -> Page:
    """What somebody who was just removed could read, and what is left to change."""
    left = plan.left
    yield Note("")
    yield Table(value_rows(left.open_values))
    yield Note(summary(left, plan.name))
    if left.cut:
        yield Warn(f"warning: {CUT_OFF}")
    if not left.settled:
        yield Note(f"what is left: fluxsecrets recipients report {file_word(plan.name)}")


def report_page(report: Report, *, everything: bool) -> Page:
    """Show what somebody who left could read, and what is left to change."""
    left = report.left
    values, files = (left.values, left.files) if everything else (left.open_values, left.open_files)
    yield Table([*value_rows(values), *file_rows(files)])
    yield Note(summary(left, report.leaving.name))
    if left.open_files:
        yield Note(
            "a file that can't be compared may hold one of these values: run this with an identity, or with "
            "--private-key, that opens it; or look at it, and note that with --done PATH"
        )
    if left.cut:
        yield Warn(f"warning: {CUT_OFF}")
    for note in doubt_notes(report.doubtful, report.leaving.name):
        yield Warn(f"warning: {note}")
    if left.settled and not report.doubtful and report.path is not None:
        yield Note(f"nothing is left to do: {report.path} can be deleted")


def report_json(report: Report, *, everything: bool) -> Page:
    """The same as data, always with everything."""
    left = report.left
    data: wire.LeaverReport = {
        "name": report.leaving.name,
        "kind": report.leaving.recipient.kind,
        "recipient": recipient_text(report.leaving.recipient),
        "removed": report.leaving.since,
        "left": left.count,
        "values": [_value(value) for value in left.values],
        "not_compared": [_file(file) for file in left.files],
        "cut_off": left.cut,
        "notes": list(doubt_notes(report.doubtful, report.leaving.name)),
    }
    return page("recipients report", data, here())


REPORT_FORMATS: Mapping[str, Callable[..., Page]] = {"text": report_page, "json": report_json}


def _value(value: LeftValue) -> wire.LeftValue:
    return {
        "path": value.path,
        "key": value.key,
        "since": value.since.id if value.since else None,
        "until": value.until.id if value.until else None,
        "plain_text": value.plain,
        "state": value.state.value,
        "settled": value.state.settled,
        "here": value.here,
        "places": list(value.places),
        "together_with": list(value.together),
        "advice": _advice(value),
        "reason": value.reason,
    }


def _file(file: LeftFile) -> wire.LeftFile:
    return {
        "path": file.path,
        "why": file.why,
        "state": term(file.state),
        "settled": file.state.settled,
        "reason": file.reason,
    }


def reader_rows(exposure: Exposure) -> list[Row]:
    """A row for each who could read it."""
    return [
        (
            Cell(printable(reader.name), "red" if reader.recipient is None else ""),
            Cell(f"since {commit_text(reader.since)}"),
            Cell("still" if reader.still else f"until {commit_text(reader.until)}"),
            Cell(_how(reader), "yellow"),
        )
        for reader in exposure.readers
    ]


def _how(reader: Reader) -> str:
    parts = [together(reader.together, reader.missing)] if reader.together else []
    if reader.by_key:
        parts.append("no longer a recipient, but knows the data key: `fluxsecrets rotate PATH` replaces it")
    elif reader.doubtful:
        parts.append(
            "it is unknown whether the data key was replaced: none of your identities opens both versions"
        )
    return "; ".join(parts)


def exposure_page(exposure: Exposure) -> Page:
    """Who could read a file or value, and what to change."""
    yield Table(reader_rows(exposure))
    for commit in exposure.unread:
        yield Warn(f"warning: the version of {commit.id[:10]} could not be read")
    if exposure.values:
        yield Note("in plain text at some time:")
        yield Table([*value_rows(exposure.values), *file_rows(exposure.files)])
    else:
        yield Note("it was never in plain text in this repository's history")


def exposure_json(exposure: Exposure) -> Page:
    """Who could read a file or value."""
    readers: list[wire.Reader] = [
        {
            "name": reader.name,
            "kind": reader.recipient.kind if reader.recipient else None,
            "recipient": recipient_text(reader.recipient) if reader.recipient else None,
            "since": reader.since.id if reader.since else None,
            "until": reader.until.id if reader.until else None,
            "still": reader.still,
            "by_data_key": reader.by_key,
            "cannot_tell": reader.doubtful,
            "together_with": list(reader.together),
        }
        for reader in exposure.readers
    ]
    data: wire.Exposure = {
        "path": exposure.path,
        "key": exposure.key,
        "plain_text": exposure.plain,
        "readers": readers,
        "values": [_value(value) for value in exposure.values],
        "not_compared": [_file(file) for file in exposure.files],
        "not_understood": [commit.id for commit in exposure.unread],
    }
    return page("recipients exposure", data, here())


EXPOSURE_FORMATS: Mapping[str, Callable[[Exposure], Page]] = {"text": exposure_page, "json": exposure_json}


def recipient_rows(listed: RecipientList) -> list[Row]:
    """A row a recipient: name, key, files, those of each environment, and where files and rules differ."""
    rows: list[Row] = []
    if listed.environments:
        names = [name or "elsewhere" for name in listed.environments]
        rows.append((Cell(""), Cell(""), Cell("in all"), *(Cell(printable(name)) for name in names)))
    for row in listed.recipients:
        remarks = []
        if row.not_in_rule:
            remarks.append(f"{counted(len(row.not_in_rule), 'file')} against the rules")
        if row.missing:
            remarks.append(f"{counted(len(row.missing), 'file')} missing by the rules")
        key = row.recipient if row.recipient != row.name else ""
        rows.append(
            (
                Cell(printable(row.name)),
                Cell(printable(key)),
                Cell(counted(len(row.files), "file")),
                *(Cell(str(row.environments.get(name) or "-")) for name in listed.environments),
                Cell(", ".join(remarks), "yellow"),
            )
        )
    return rows


def recipients_page(listed: RecipientList) -> Page:
    """Who can read how many files, and where files and rules differ."""
    yield Table(recipient_rows(listed))
    for note in listed.notes:
        yield Note(f"note: {note}")
    yield Errors(listed.errors)
    who, files = counted(len(listed.recipients), "recipient"), counted(listed.files, "encrypted file")
    yield Note(f"{who} in {files}")
    if any(row.not_in_rule or row.missing for row in listed.recipients):
        yield Note("to bring the files in line with the rules: `fluxsecrets recipients sync --all`")


def recipients_json(listed: RecipientList) -> Page:
    """Who can read what."""
    base = here()
    recipients: list[wire.RecipientFiles] = [
        {
            "name": row.name,
            "kind": row.kind,
            "recipient": row.whole,
            "files": base.paths(row.files),
            "not_in_rule": base.paths(row.not_in_rule),
            "missing": base.paths(row.missing),
            "environments": {name: row.environments.get(name, 0) for name in listed.environments if name},
        }
        for row in listed.recipients
    ]
    data: wire.RecipientList = {
        "files": listed.files,
        "recipients": recipients,
        "errors": [error_data(error, base) for error in listed.errors],
        "notes": list(listed.notes),
    }
    return page("recipients list", data, base)


LIST_FORMATS: Mapping[str, Callable[[RecipientList], Page]] = {
    "text": recipients_page,
    "json": recipients_json,
}
