"""What somebody who leaves could read, and what to do about each value; kept until nothing is left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.files import read_file
from fluxsecrets.repo.history import Commit
from fluxsecrets.sops.metadata import Recipient

from .readable import FileHistory, Version

FOLDER = "offboarding"
"""Where it is kept what was decided about values; in the repository, for the whole team."""

VERSION = 1
_LIMIT = 16 * 2**20


class State(StrEnum):
    """What became of a value that somebody could read."""

    OPEN = "to change"
    UNKNOWN = "to change, or to look at"
    CHANGED = "changed since"
    GONE = "not there any more"
    DONE = "done"
    ACCEPTED = "accepted"

    @property
    def settled(self) -> bool:
        """Nothing is left to do."""
        return self not in (State.OPEN, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class LeftValue:
    """One value that somebody could read.

    Attributes:
        path: the file, in the repository.
        key: the value's, as shown to the user; empty where the file is one value.
        since, until: the first and the last commit in which it could be read; None is the work tree.
        plain: it was in plain text at some time.
        state: what became of it.
        advice: what to do.
        reason: why it was accepted.
    """

    path: str
    key: str
    since: Commit | None
    until: Commit | None
    plain: bool
    state: State
    advice: str
    reason: str = ""

    @property
    def place(self) -> str:
        """The value as it is named on a command line."""
        return f"{self.path}#{self.key}" if self.key else self.path


def values_readable_by(histories: Sequence[FileHistory], recipient: Recipient | None) -> Iterator[LeftValue]:
    """Every value that somebody could read at any time.

    Args:
        histories: of the repository's files.
        recipient: who; None means everybody who has the repository: what was in plain text.
    """
    for history in histories:
        versions = [*history.versions, *([history.now] if history.now is not None else [])]
        readable = [version for version in versions if _readable(version, recipient)]
        keys = {key: None for version in readable for key in version.values}
        for key in keys:
            seen = [version for version in readable if key in version.values]
            state = _state(history.now, key, {version.values[key] for version in seen})
            yield LeftValue(
                history.path,
                key,
                seen[0].commit,
                seen[-1].commit,
                any(version.plain for version in seen),
                state,
                _advice(history.path, key, state),
            )


def _readable(version: Version, recipient: Recipient | None) -> bool:
    return version.plain if recipient is None else version.readable_by(recipient)


def _state(now: Version | None, key: str, seen: set[bytes | None]) -> State:
    if now is None or key not in now.values:
        return State.GONE
    current = now.values[key]
    if current is not None and current in seen:
        return State.OPEN
    if current is None or None in seen:
        return State.UNKNOWN
    return State.CHANGED


_ADVICE = (
    (r"\.dockerconfigjson|dockercfg", "a new token at the registry, and revoke the old one"),
    (r"tls\.(key|crt)|(private|ssh).?key|\.pem$|identity$", "a new key pair; revoke the certificate"),
    (r"agekey$", "a new identity: `fluxsecrets rotate --env NAME --identity`"),
    (r"token|api.?key|webhook|hook.?url", "a new one at whoever issued it, and revoke the old one"),
    (r"pass|pwd|secret", "a new one here and where it is checked, such as in the database"),
    (r"dsn|url|uri|conn", "new credentials in it, here and where they are checked"),
    (r"user|name|host|email|client.?id|account", "if it is no secret, accept it"),
)
"""By what a value is called: what to do about it. The first that fits counts."""


def _advice(path: str, key: str, state: State) -> str:
    if state is State.GONE:
        return "revoke what it opened, if that still exists"
    if state is State.CHANGED:
        return "make sure that the old one does not work any more"
    name = (key or path.rpartition("/")[2]).lower()
    for pattern, advice in _ADVICE:
        if re.search(pattern, name.rpartition(".")[2] if "." in key and "dockerconfig" not in name else name):
            return advice
    return "a new value; `fluxsecrets set PATH KEY --stdin` puts it in"


# What was decided, in a file.


@dataclass(frozen=True, slots=True)
class Leaving:
    """Somebody who left.

    Attributes:
        name: what they were called.
        recipient: their key.
        since: the day on which they were removed, in ISO form.
        decided: what was decided, by the value's place: `done` or `accepted`, and why.
    """

    name: str
    recipient: Recipient
    since: str
    decided: Mapping[str, tuple[State, str]] = field(default_factory=dict)

    def applied(self, values: Sequence[LeftValue]) -> tuple[LeftValue, ...]:
        """The values with what was decided about them; a value that is settled by itself stays so."""
        found = []
        for value in values:
            state, reason = self.decided.get(value.place, (value.state, ""))
            found.append(value if value.state.settled else replace(value, state=state, reason=reason))
        return tuple(found)

    def data(self) -> bytes:
        """The file's content."""
        values = [
            {"value": place, "state": state.value, **({"reason": reason} if reason else {})}
            for place, (state, reason) in sorted(self.decided.items())
        ]
        data = {
            "version": VERSION,
            "name": self.name,
            "kind": self.recipient.kind,
            "recipient": self.recipient.id,
            "removed": self.since,
            "values": values,
        }
        return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def leaving_path(name: str) -> str:
    """The file of somebody, relative to the repository's root."""
    return f"{FOLDER}/{re.sub(r'[^A-Za-z0-9._-]', '_', name).lstrip('.') or 'somebody'}.json"


def read_leaving(root: Path, name: str) -> Leaving | None:
    """What was decided about the values of somebody; None where nothing is kept.

    Raises:
        FileAccessError: the file cannot be read, or is not one of ours.
    """
    path = root / leaving_path(name)
    if not path.exists():
        return None
    try:
        data = json.loads(read_file(path, limit=_LIMIT).data)
        _require_version(data["version"])
        decided = {
            str(each["value"]): (State(each["state"]), str(each.get("reason", ""))) for each in data["values"]
        }
        return Leaving(data["name"], Recipient(data["kind"], data["recipient"]), data["removed"], decided)
    except (ValueError, KeyError, TypeError):
        raise FileAccessError(
            "is no report of somebody who left, or of another version of fluxsecrets",
            path=leaving_path(name),
            hint="put it back from git",
        ) from None


def _require_version(version: object) -> None:
    if version != VERSION:
        raise ValueError(version)


def decide(
    leaving: Leaving, values: Sequence[LeftValue], places: Sequence[str], state: State, reason: str = ""
) -> Leaving:
    """Note what was decided about values.

    Args:
        leaving: what was decided so far.
        values: all that were readable.
        places: `PATH#KEY`, or a PATH for all values of a file.
        state: `DONE` or `ACCEPTED`.
        reason: why.

    Raises:
        UsageError: there is no such value.
    """
    decided = dict(leaving.decided)
    for place in places:
        meant = [value.place for value in values if place in (value.place, value.path)]
        if not meant:
            raise UsageError(
                f"{place!a} is no value that {leaving.name} could read",
                hint="name it as the report does: PATH#KEY, or PATH for all values of a file",
            )
        decided |= dict.fromkeys(meant, (state, reason))
    return replace(leaving, decided=decided)
