"""Who could read what and when, as text and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fluxsecrets.ops.people.exposure import LeftValue, State
from fluxsecrets.repo.git.history import Commit
from fluxsecrets.report.json import VERSION, dump
from fluxsecrets.report.text import Cell, Row, printable

if TYPE_CHECKING:
    from fluxsecrets.ops.people.exposure import Exposure, Reader
    from fluxsecrets.ops.people.leavers import Report

_STYLES = {State.OPEN: "yellow", State.UNKNOWN: "yellow"}


def commit_text(commit: Commit | None) -> str:
    """A commit with its day, or that it is the work tree."""
    if commit is None:
        return "now"
    return f"{commit.id[:10]} {_day(commit)}"


def _day(commit: Commit) -> str:
    return datetime.fromtimestamp(commit.time, UTC).date().isoformat()


_ADVICE = (
    (r"\.dockerconfigjson|dockercfg", "a new token at the registry, and revoke the old one"),
    (r"tls\.(key|crt)|(private|ssh).?key|\.pem$|identity$", "a new key pair; revoke the certificate"),
    (r"agekey$", "a new identity: `fluxsecrets rotate --env NAME --identity`"),
    (r"token|api.?key|webhook|hook.?url", "a new one at whoever issued it, and revoke the old one"),
    (r"pass|pwd|secret", "a new one here and where it is checked, such as in the database"),
    (r"dsn|url|uri|conn", "new credentials in it, here and where they are checked"),
    (r"user|name|host|email|client.?id|account", "if it is no secret, accept it"),
)
"""What to do about a value, by its name; the first match counts."""


def _advice(value: LeftValue) -> str:
    if value.state is State.GONE:
        return "revoke what it opened, if that still exists"
    if value.state is State.CHANGED:
        return "make sure that the old one does not work any more"
    name = (value.key or value.path.rpartition("/")[2]).lower()
    if "." in value.key and "dockerconfig" not in name:
        name = name.rpartition(".")[2]
    for pattern, advice in _ADVICE:
        if re.search(pattern, name):
            return advice
    return "a new value; `fluxsecrets set PATH KEY --stdin` puts it in"


def doubt_notes(paths: Iterable[str], name: str) -> tuple[str, ...]:
    """The files of which it is unknown whether somebody knows their data key."""
    return tuple(
        f"{path}: cannot tell whether {name} knows its data key: "
        "none of your identities opens both it and the versions that were for them"
        for path in paths
    )


def value_rows(values: Sequence[LeftValue]) -> list[Row]:
    """A row a value: where it is, since when it could be read, what became of it, what to do."""
    return [
        (
            Cell(printable(value.place)),
            Cell(f"{'plain text, ' if value.plain else ''}since {commit_text(value.since)}"),
            Cell(value.state.value, _STYLES.get(value.state, "")),
            Cell(printable(value.reason or ("" if value.state is State.DONE else _advice(value)))),
        )
        for value in values
    ]


def value_summary(values: Sequence[LeftValue], name: str) -> str:
    """How many values somebody could read, and how many are left to change."""
    left = sum(not value.state.settled for value in values)
    count = "1 value" if len(values) == 1 else f"{len(values)} values"
    if not values:
        return f"{name} could read no value at any time"
    return f"{name} could read {count} at some time: {left or 'none'} left to change"


def report_json(report: Report) -> str:
    """What somebody who left could read."""
    data: dict[str, object] = {
        "version": VERSION,
        "command": "recipients report",
        "name": report.leaving.name,
        "kind": report.leaving.recipient.kind,
        "recipient": report.leaving.recipient.id,
        "removed": report.leaving.since,
        "left": len(report.open),
        "values": [_value(value) for value in report.values],
        "notes": list(doubt_notes(report.doubtful, report.leaving.name)),
    }
    return dump(data)


def _value(value: LeftValue) -> dict[str, object]:
    return {
        "path": value.path,
        "key": value.key,
        "since": value.since.id if value.since else None,
        "until": value.until.id if value.until else None,
        "plain_text": value.plain,
        "state": value.state.value,
        "settled": value.state.settled,
        "advice": _advice(value),
        "reason": value.reason,
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
    if reader.by_key:
        return "no recipient any more, but knows the data key: `fluxsecrets rotate PATH` replaces it"
    if reader.doubtful:
        return "cannot tell whether the data key was replaced: none of your identities opens both versions"
    return ""


def exposure_json(exposure: Exposure) -> str:
    """Who could read a file or value."""
    readers = [
        {
            "name": reader.name,
            "kind": reader.recipient.kind if reader.recipient else None,
            "recipient": reader.recipient.id if reader.recipient else None,
            "since": reader.since.id if reader.since else None,
            "until": reader.until.id if reader.until else None,
            "still": reader.still,
            "by_data_key": reader.by_key,
            "cannot_tell": reader.doubtful,
        }
        for reader in exposure.readers
    ]
    data: dict[str, object] = {
        "version": VERSION,
        "command": "recipients exposure",
        "path": exposure.path,
        "key": exposure.key,
        "plain_text": exposure.plain,
        "readers": readers,
        "values": [_value(value) for value in exposure.values],
        "not_understood": [commit.id for commit in exposure.unread],
    }
    return dump(data)
