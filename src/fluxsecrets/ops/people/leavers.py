"""Somebody who left: the values that they could read, and what was decided about each.

Decisions are kept in `offboarding/NAME.json` until nothing is left to change. `offboard` removes somebody;
this module looks after what that leaves to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from fluxsecrets.errors import UsageError
from fluxsecrets.files.writing import write_atomic
from fluxsecrets.ops.run.people import People, find_person, read_people
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.offboarding import (
    Leaver,
    not_a_record,
    read_leavers,
    read_record,
    record_data,
    record_path,
    with_leavers,
)
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .exposure import FileHistory, LeftValue, State, file_histories, values_readable_by


@dataclass(frozen=True, slots=True)
class Leaving:
    """Somebody who left.

    Attributes:
        since: the day on which they were removed, in ISO form.
        decided: what was decided, by the value's place: `done` or `accepted`, and why.
        unsettled, settled: see `Leaver`.
    """

    name: str
    recipient: Recipient
    since: str
    decided: Mapping[str, tuple[State, str]] = field(default_factory=dict)
    unsettled: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()

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
        leaver = Leaver(self.name, self.recipient, self.since, self.unsettled, self.settled)
        return record_data(leaver, values)


def read_leaving(root: Path, name: str) -> Leaving | None:
    """What was decided about the values of somebody; None where nothing is kept.

    Raises:
        FileAccessError: the file cannot be read, or is not one of ours.
    """
    path = record_path(name)
    if not (root / path).exists():
        return None
    leaver, data = read_record(root, path)
    try:
        decided = {
            str(each["value"]): (State(each["state"]), str(each.get("reason", ""))) for each in data["values"]
        }
    except (ValueError, KeyError, TypeError):
        raise not_a_record(path) from None
    return Leaving(leaver.name, leaver.recipient, leaver.since, decided, leaver.unsettled, leaver.settled)


def people_and_leavers(session: Session, tree: Tree) -> People:
    """Everybody who is named in a repository, and those who left it; raises as `read_people`."""
    people = read_people(session, tree)
    return replace(people, names=with_leavers(people.names, read_leavers(tree.root)[0]))


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
    people = people_and_leavers(session, tree)
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
        path = tree.root.resolve() / record_path(leaving.name)
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, leaving.data(), mode=0o644)
    known = record_path(leaving.name) if (tree.root / record_path(leaving.name)).exists() else None
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
