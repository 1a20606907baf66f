"""Somebody who left: the values that they could read, and what was decided about each.

Decisions are kept in `offboarding/NAME.json` until nothing is left to change. `offboard` removes somebody;
this module looks after what that leaves to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_atomic
from fluxsecrets.marks import OFFBOARDING_FOLDER
from fluxsecrets.ops.run.people import find_person, read_people
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .exposure import FileHistory, LeftValue, State, file_histories, values_readable_by

VERSION = 1
_LIMIT = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Leaving:
    """Somebody who left.

    Attributes:
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
    return f"{OFFBOARDING_FOLDER}/{re.sub(r'[^A-Za-z0-9._-]', '_', name).lstrip('.') or 'somebody'}.json"


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
            "is not a report on somebody who left, or another version of fluxsecrets wrote it",
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

    Places are `PATH#KEY`, or a PATH for all values of a file. The state is `DONE` or `ACCEPTED`.

    Raises:
        UsageError: there is no such value.
    """
    decided = dict(leaving.decided)
    for place in places:
        meant = [value.place for value in values if place in (value.place, value.path)]
        if not meant:
            raise UsageError(
                f"{place!a} is not a value that {leaving.name} could read",
                hint="name it as the report does: PATH#KEY, or PATH for all values of a file",
            )
        decided |= dict.fromkeys(meant, (state, reason))
    return replace(leaving, decided=decided)


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody who left could read.

    Attributes:
        path: the file that keeps the decisions, or None.
        doubtful: files whose data key they may know: no identity here can tell.
    """

    leaving: Leaving
    values: tuple[LeftValue, ...]
    path: str | None = None
    doubtful: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[LeftValue, ...]:
        """What is left to do."""
        return tuple(value for value in self.values if not value.state.settled)


def report_of(
    session: Session, who: str, *, done: Sequence[str] = (), accept: Sequence[str] = (), reason: str = ""
) -> Report:
    """What is left to do about the values that somebody could read; decisions are written down.

    `done` are values that were changed or revoked elsewhere. `accept` are values that may stay, for the
    reason given.

    Raises:
        UsageError: there is no such recipient, no such value, or no reason to accept it.
        GitError: there is no repository.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None:
        raise UsageError(
            "this is not a git repository, so there is no history", hint="run it inside a git repository"
        )
    if accept and not reason.strip():
        raise UsageError("accepting a value needs a reason", hint="add --reason TEXT")
    people = read_people(session, tree)
    leaving = read_leaving(tree.root, who)
    if leaving is None:
        recipient = find_person(people, who)
        name = people.name(recipient)
        leaving = read_leaving(tree.root, name) or Leaving(name, recipient, today())
    histories = file_histories(session, tree, tree.repository)
    values = tuple(values_readable_by(histories, leaving.recipient))
    if done or accept:
        leaving = decide(leaving, values, done, State.DONE, reason)
        leaving = decide(leaving, values, accept, State.ACCEPTED, reason)
        path = tree.root.resolve() / leaving_path(leaving.name)
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, leaving.data(), mode=0o644)
    known = leaving_path(leaving.name) if (tree.root / leaving_path(leaving.name)).exists() else None
    return Report(leaving, leaving.applied(values), known, doubtful_files(histories, leaving.recipient))


def today() -> str:
    """The day, in ISO form."""
    return datetime.now(UTC).date().isoformat()


def doubtful_files(histories: Sequence[FileHistory], recipient: Recipient) -> tuple[str, ...]:
    """The files of which nobody here can tell whether a recipient knows their data key."""
    key = recipient_key(recipient)
    return tuple(
        history.path
        for history in histories
        if history.now is not None and key in map(recipient_key, history.now.doubtful)
    )
