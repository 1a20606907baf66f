"""Since when a file, or one value of it, could be read, in plain text or by whom; and what to change."""

from __future__ import annotations

from dataclasses import dataclass

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.people import read_people
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import real_path
from fluxsecrets.repo.history import Commit
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sops.metadata import Recipient
from fluxsecrets.sops.recipients import recipient_key

from .leaving import LeftValue, values_readable_by
from .readable import FileHistory, Version, file_histories

PLAIN = "everybody who has the repository"
"""Who reads plain text."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who could read it.

    Attributes:
        name: who; `PLAIN` for plain text.
        recipient: their key, or None for plain text.
        since: the first commit; None is the work tree.
        until: the last one; None is the work tree.
        still: they can read it as it is now.
        by_key: it is not encrypted for them now, and they know its data key from an older version.
        doubtful: nobody here can tell whether they know the data key that it has now.
    """

    name: str
    recipient: Recipient | None
    since: Commit | None
    until: Commit | None
    still: bool
    by_key: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who could read a file or value.

    Attributes:
        path: the file, in the repository.
        key: the value, or None for all.
        readers: those in plain text first, then by time.
        values: each value, with what is to be done where it was in plain text.
        unread: commits whose version could not be understood.
    """

    path: str
    key: str | None
    readers: tuple[Reader, ...]
    values: tuple[LeftValue, ...]
    unread: tuple[Commit, ...] = ()

    @property
    def plain(self) -> bool:
        """It was in plain text at some time."""
        return any(reader.recipient is None for reader in self.readers)


def exposure(session: Session, text: str) -> Exposure:
    """Who could read a file or one of its values, at any time.

    Args:
        session: the run.
        text: `PATH` or `PATH#KEY`.

    Raises:
        UsageError: there never was such a file, or no such value in it.
        GitError: there is no history.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None:
        raise UsageError("this is no git repository, so there is no history", hint="run it inside of one")
    given, _, key = text.partition("#")
    real = real_path(session, given)
    if not real.is_relative_to(tree.root.resolve()):
        raise UsageError(f"{given!a} is outside of the repository", hint="name a file in it")
    path = real.relative_to(tree.root.resolve()).as_posix()
    histories = file_histories(session, tree, tree.repository, (path,))
    history = next((each for each in histories if each.path == path), None)
    if history is None:
        raise UsageError(
            f"{given!a} was never encrypted, nor a Secret, in this repository's history",
            hint="check its path; a file that was renamed has a history under its old name",
        )
    keys = {each for version in _all(history) for each in version.values}
    if key and key not in keys:
        near = sorted(each for each in keys if each.endswith(f".{key}") or key in each)
        raise UsageError(
            f"{given} never had a value {key!a}",
            details=[f"it has {', '.join(sorted(keys))}"] if keys else (),
            hint=f"did you mean {given}#{near[0]}?" if near else None,
        )
    people = read_people(session, tree)
    versions = [version for version in _all(history) if not key or key in version.values]
    readers = []
    if any(version.plain for version in versions):
        readers.append(_reader(PLAIN, None, versions, history))
    everybody = {
        recipient_key(each): each for version in versions for each in (*version.recipients, *version.by_key)
    }
    readers += [_reader(people.name(each), each, versions, history) for each in everybody.values()]
    values = tuple(value for value in values_readable_by([history], None) if not key or value.key == key)
    return Exposure(path, key or None, tuple(readers), values, history.unread)


def _all(history: FileHistory) -> tuple[Version, ...]:
    return (*history.versions, *([history.now] if history.now is not None else []))


def _reader(name: str, recipient: Recipient | None, versions: list[Version], history: FileHistory) -> Reader:
    def reads(version: Version) -> bool:
        if recipient is None:
            return version.plain
        return version.readers is not None and recipient_key(recipient) in version.readers

    able = [version for version in versions if reads(version)]
    # An older version may have the data key that they were given later; they read it since then.
    named = [version for version in able if recipient is None or _is_among(recipient, version.recipients)]
    now = history.now if history.now in versions else None
    still = now is not None and reads(now)
    until = None if still else able[-1].commit
    return Reader(
        name,
        recipient,
        (named or able)[0].commit,
        until,
        still,
        by_key=now is not None and _is_among(recipient, now.by_key),
        doubtful=now is not None and _is_among(recipient, now.doubtful),
    )


def _is_among(recipient: Recipient | None, people: tuple[Recipient, ...]) -> bool:
    return recipient is not None and recipient_key(recipient) in map(recipient_key, people)
