"""Somebody who left: the values that they could read, and what was decided about each.

Decisions are kept in `offboarding/NAME.json` until nothing is left to change. `offboard` removes somebody;
this module looks after what that leaves to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from fluxsecrets.errors import UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_atomic, write_new
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.people import People, find_reader, read_people
from fluxsecrets.ops.run.results import FileChange
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.offboarding import (
    RECORD_LIMIT,
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

from .leftvalues import Left, State, find_left
from .versions import Histories, file_histories


@dataclass(frozen=True, slots=True)
class Leaving:
    """Somebody who left.

    Attributes:
        since: the day on which they were removed, in ISO form.
        decided: what was decided, by the value's place: `done` or `accepted`, and why.
        looked_at: the same for files that can't be compared, by path and content: it counts until the file
            changes.
        unsettled, settled, environments: see `Leaver`.
    """

    name: str
    recipient: Recipient
    since: str
    decided: Mapping[str, tuple[State, str]] = field(default_factory=dict)
    looked_at: Mapping[tuple[str, str], tuple[State, str]] = field(default_factory=dict)
    unsettled: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()

    def applied(self, left: Left) -> Left:
        """What is left, with what was decided; a value that is settled by itself stays so."""
        files = []
        for file in left.files:
            state, reason = self.looked_at.get((file.path, file.content), (file.state, ""))
            files.append(replace(file, state=state, reason=reason))
        judged = replace(left, files=tuple(files)).judged()
        values = []
        for value in judged.values:
            state, reason = self.decided.get(value.place, (value.state, ""))
            values.append(value if value.state.settled else replace(value, state=state, reason=reason))
        return replace(judged, values=tuple(values))

    def data(self) -> bytes:
        """The file's content."""
        values = [
            {"value": place, "state": state.value, **({"reason": reason} if reason else {})}
            for place, (state, reason) in sorted(self.decided.items())
        ]
        files = [
            {"path": path, "content": content, "state": state.value, **({"reason": reason} if reason else {})}
            for (path, content), (state, reason) in sorted(self.looked_at.items())
        ]
        leaver = Leaver(
            self.name, self.recipient, self.since, self.unsettled, self.settled, self.environments
        )
        return record_data(leaver, values, files)


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
        looked_at = {
            (str(each["path"]), str(each["content"])): (State(each["state"]), str(each.get("reason", "")))
            for each in data.get("files", ())
        }
    except (ValueError, KeyError, TypeError):
        raise not_a_record(path) from None
    return Leaving(
        leaver.name,
        leaver.recipient,
        leaver.since,
        decided,
        looked_at,
        leaver.unsettled,
        leaver.settled,
        leaver.environments,
    )


def settled_records(root: Path, targets: Iterable[Target]) -> Iterator[FileChange]:
    """Return the records as they will be once files have new data keys, which ends doubts about the old ones.

    Args:
        root: of the repository.
        targets: the files that get new data keys.

    Raises:
        FileAccessError: a record can't be read.
    """
    new = {target.repository_path for target in targets}
    for leaver in read_leavers(root)[0]:
        done = new.intersection(leaver.unsettled)
        leaving = read_leaving(root, leaver.name) if done else None
        if leaving is not None:
            path = root.resolve() / leaver.path
            unsettled = tuple(each for each in leaving.unsettled if each not in done)
            settled = tuple(sorted({*leaving.settled, *filter(None, done)}))
            record = replace(leaving, unsettled=unsettled, settled=settled)
            yield FileChange(path, record.data(), read_file(path, limit=RECORD_LIMIT).data, 0o644)


def people_and_leavers(session: Session, tree: Tree) -> People:
    """Everybody who is named in a repository, and those who left it; raises as `read_people`."""
    people = read_people(session, tree)
    return replace(people, names=with_leavers(people.names, read_leavers(tree.root)[0]))


def decide(leaving: Leaving, left: Left, places: Sequence[str], state: State, reason: str = "") -> Leaving:
    """Note what was decided about values, or about files that can't be compared.

    Places are `PATH#KEY`, a PATH for everything in a file, or a folder. The state is `DONE` or `ACCEPTED`.

    Raises:
        UsageError: there is no such value or file.
    """
    decided, looked_at = dict(leaving.decided), dict(leaving.looked_at)
    for place in places:
        folder = f"{place.rstrip('/')}/"
        values = [
            value.place
            for value in left.values
            if place in (value.place, value.path) or value.path.startswith(folder)
        ]
        files = [
            (file.path, file.content)
            for file in left.files
            if file.path == place or file.path.startswith(folder)
        ]
        if not values and not files:
            raise UsageError(
                f"{place!a} is not a value that {leaving.name} could read",
                hint="name it as the report does: PATH#KEY, or PATH for everything in a file or folder",
            )
        decided |= dict.fromkeys(values, (state, reason))
        looked_at |= dict.fromkeys(files, (state, reason))
    return replace(leaving, decided=decided, looked_at=looked_at)


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody who left could read.

    Attributes:
        path: the file that keeps the decisions, or None.
        doubtful: files whose data key they may know: no identity here can tell.
    """

    leaving: Leaving
    left: Left
    path: str | None = None
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Whom to report on, and what was decided; the parameters of `recipients report`.

    Attributes:
        who: a key, or a name.
        done: values that were changed or revoked elsewhere.
        accept: values that may stay, for the reason given.
        private_keys: files with private keys of controllers, to compare sealed values.
    """

    who: str
    done: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    reason: str = ""
    private_keys: tuple[Path, ...] = ()


def report_of(session: Session, request: ReportRequest) -> Report:
    """What is left to do about the values that somebody could read; decisions are written down.

    Raises:
        UsageError: there is no such recipient, no such value, or no reason to accept it.
        IdentityError, FileAccessError: a file with private keys cannot be used.
        GitError: there is no repository.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None:
        raise UsageError(
            "this is not a git repository, so there is no history", hint="run it inside a git repository"
        )
    if request.accept and not request.reason.strip():
        raise UsageError("accepting a value needs a reason", hint="add --reason TEXT")
    people = people_and_leavers(session, tree)
    leaving = read_leaving(tree.root, request.who)
    if leaving is None:
        recipient = find_reader(people, request.who)
        name = people.name(recipient)
        leaving = read_leaving(tree.root, name) or Leaving(name, recipient, today())
    path = tree.root.resolve() / record_path(leaving.name)
    record = read_file(path, limit=session.limits.size) if path.exists() else None
    keys = load_keys(session, request.private_keys, required=False)
    histories = file_histories(session, tree, tree.repository)
    left = find_left(session, tree, histories, leaving.recipient, keys=keys, name=people.name)
    if request.done or request.accept:
        leaving = decide(leaving, left, request.done, State.DONE, request.reason)
        leaving = decide(leaving, left, request.accept, State.ACCEPTED, request.reason)
        path.parent.mkdir(exist_ok=True)
        if record is None:
            write_new(path, leaving.data(), 0o644)
        else:  # searching the history takes a while, and others note what they did, too
            write_atomic(path, leaving.data(), mode=0o644, expected=record)
    known = record_path(leaving.name) if (tree.root / record_path(leaving.name)).exists() else None
    named = recipient_key(leaving.recipient) in people.recipients
    settled = frozenset(leaving.settled) if leaving.environments or not named else frozenset()
    doubtful = tuple(path for path in doubtful_files(histories, leaving.recipient) if path not in settled)
    return Report(leaving, leaving.applied(left), known, doubtful)


def today() -> str:
    """The day, in ISO form."""
    return datetime.now(UTC).date().isoformat()


def doubtful_files(histories: Histories, recipient: Recipient) -> tuple[str, ...]:
    """The files of which nobody here can tell whether a recipient knows their data key."""
    key = recipient_key(recipient)
    return tuple(
        history.path for history in histories.files if history.now is not None and key in history.now.doubtful
    )
