"""Who could read a file or one of its values, and when: every version of every secret file in git's history.

See `versions` for what counts as reading, and `leftvalues` for what became of a value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.inputs import real_path
from fluxsecrets.ops.run.people import read_people
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git.history import Commit
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key

from .leftvalues import LeftFile, LeftValue, State, find_left, names_of_share
from .versions import FileHistory, Share, Version, file_histories

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
        by_key: they are not a recipient now, but know its data key from an older version.
        doubtful: it is unknown whether they know its current data key.
        together: the names of those without whom they could never read it, by key group.
        missing: the number of these groups that they need.
    """

    name: str
    recipient: Recipient | None
    since: Commit | None
    until: Commit | None
    still: bool
    by_key: bool = False
    doubtful: bool = False
    together: tuple[str, ...] = ()
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who could read a file or value.

    Attributes:
        key: the value, or None for all.
        values: each value that was in plain text.
        files: files that can't be compared, so that they may hold one of these values.
        unread: commits whose version could not be parsed.
    """

    path: str
    key: str | None
    readers: tuple[Reader, ...]
    values: tuple[LeftValue, ...]
    files: tuple[LeftFile, ...] = ()
    unread: tuple[Commit, ...] = ()

    @property
    def plain(self) -> bool:
        """It was in plain text at some time."""
        return any(reader.recipient is None for reader in self.readers)


def exposure(session: Session, text: str) -> Exposure:
    """Who could read a file or one of its values, at any time.

    `text` is `PATH` or `PATH#KEY`.

    Raises:
        UsageError: there was never such a file, or never such a value in it.
        GitError: there is no history.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None:
        raise UsageError(
            "this is not a git repository, so there is no history", hint="run it inside a git repository"
        )
    given, _, key = text.partition("#")
    real = real_path(session, given)
    if not real.is_relative_to(tree.root.resolve()):
        raise UsageError(f"{given!a} is outside the repository", hint="name a file in it")
    path = real.relative_to(tree.root.resolve()).as_posix()
    histories = file_histories(session, tree, tree.repository)
    history = next((each for each in histories.files if each.path == path), None)
    if history is None:
        raise UsageError(
            f"{given!a} was never encrypted, nor a Secret, in this repository's history",
            hint="check its path; a file that was renamed has a history under its old name",
        )
    keys = {each for version in history.all for each in version.values}
    if key and key not in keys:
        near = sorted(each for each in keys if each.endswith(f".{key}") or key in each)
        raise UsageError(
            f"{given} never had a value {key!a}",
            details=[f"it has {', '.join(sorted(keys))}"] if keys else (),
            hint=f"did you mean {given}#{near[0]}?" if near else None,
        )
    people = read_people(session, tree)
    versions = [version for version in history.all if not key or key in version.values]
    readers = []
    if any(version.plain for version in versions):
        readers.append(_plain_reader(versions, history))
    everybody: dict[RecipientKey, Recipient] = {}
    for version in versions:
        everybody |= {key_: share.recipient for key_, share in (version.readers or {}).items()}
        everybody |= version.doubtful
    readers += [_reader(each, versions, history, people.name) for each in everybody.values()]
    left = find_left(session, tree, histories, None, path=path).judged()
    values = tuple(value for value in left.values if not key or value.key == key)
    files = left.files if any(value.state is State.LOOK for value in values) else ()
    return Exposure(path, key or None, tuple(readers), values, files, history.unread)


def _plain_reader(versions: Sequence[Version], history: FileHistory) -> Reader:
    able = [version.commit for version in versions if version.plain]
    still = history.now in versions and history.now is not None and history.now.plain
    return Reader(PLAIN, None, able[0], None if still else able[-1], still)


def _reader(
    recipient: Recipient,
    versions: Sequence[Version],
    history: FileHistory,
    name: Callable[[Recipient], str],
) -> Reader:
    key = recipient_key(recipient)
    able = [version for version in versions if version.readers is not None and key in version.readers]
    now = history.now if history.now in versions else None
    still = now is not None and not now.plain and now.readable_by(recipient)
    # An older version may have the data key that they were given later; they read it since then.
    named = [version for version in able if key in version.recipients]
    # Of a file that has another name now, it may be unknown whether they could ever read it.
    seen = named or able or [version for version in versions if key in version.doubtful]
    shares = [version.readers[key] for version in able if version.readers is not None]
    share = min(shares, key=lambda each: each.missing, default=Share(recipient))
    return Reader(
        name(recipient),
        recipient,
        seen[0].commit,
        None if still else (able or seen)[-1].commit,
        still,
        by_key=now is not None and now.knows_key(recipient),
        doubtful=now is not None and key in now.doubtful,
        together=names_of_share(share, name),
        missing=share.missing,
    )
