"""What a repository's history says about keys: who was removed, who knows a data key, when files changed."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from fluxsecrets.marks import PUBLIC_KEY_SUFFIX
from fluxsecrets.records import dataclass
from fluxsecrets.sops.recipients import Recipient

from .git.history import Change, Commit, FileVersion, read_blobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date

    from .git.branch import Branch

# Expressions are compiled when they are first used: `set` needs them of few files only.
_RECIPIENT = r"age1[a-z0-9]{20,}|ssh-(?:ed25519|rsa) [A-Za-z0-9+/=]{40,}|\b[0-9A-Fa-f]{40}\b"
_ANCHOR = r"&(?P<name>[^\s,\[\]{}]+)[ \t]+[\"']?(?P<key>" + _RECIPIENT + ")"


@dataclass(frozen=True, slots=True)
class RemovedKey:
    """A recipient that `keys/` or a `.sops.yaml` once listed, and that none lists now.

    Attributes:
        name: its name then, or "".
        day: of its removal.
        commit: that removed it.
        path: the file that listed it.
    """

    recipient: str
    name: str
    day: date
    commit: str
    path: str


def recipients_in(text: str) -> frozenset[str]:
    """The public keys in a file."""
    return frozenset(match[0] for match in re.finditer(_RECIPIENT, text))


def names_in(path: str, text: str) -> dict[str, str]:
    """The names of the public keys in a `keys/NAME.pub` or a `.sops.yaml`."""
    if path.endswith(PUBLIC_KEY_SUFFIX):
        name = path.rpartition("/")[2].removesuffix(PUBLIC_KEY_SUFFIX)
        return dict.fromkeys(recipients_in(text), name)
    return {match["key"]: match["name"] for match in re.finditer(_ANCHOR, text)}


def removed_keys(branch: Branch, now: Mapping[str, str]) -> tuple[RemovedKey, ...]:
    """The recipients that were removed, the last one first.

    A recipient whose name now has another key was replaced, and is left out.

    Args:
        branch: the history.
        now: the files that name recipients today, with their text: `keys/*.pub` and every `.sops.yaml`.

    Raises:
        GitError: the history cannot be read, or is cut off.
    """
    known = frozenset(key for text in now.values() for key in recipients_in(text))
    names = {name for path, text in now.items() for name in names_in(path, text).values()}
    folders = sorted({"keys", *(path for path in now if not path.endswith(PUBLIC_KEY_SUFFIX))})
    changes = [(version, before) for version in branch.versions(folders) for before in version.before]
    texts = {
        name: data.decode("utf-8", "replace")
        for name, data in read_blobs(branch.repository, (before for _, before in changes))
    }
    called = {
        key: name
        for version, before in changes
        for key, name in names_in(version.path, texts.get(before, "")).items()
    }
    found: dict[str, RemovedKey] = {}
    for version, before in changes:
        for key in recipients_in(texts.get(before, "")) - known - found.keys():
            if called.get(key) not in names:
                found[key] = _removed(key, called.get(key, ""), version)
    return tuple(found.values())


def _removed(key: str, name: str, version: FileVersion) -> RemovedKey:
    return RemovedKey(key, name, version.commit.day, version.commit.id, version.path)


def last_changed(branch: Branch, paths: Iterable[str]) -> dict[str, date]:
    """The day of the last commit that changed each of some files; those that no commit has are not in it.

    Raises:
        GitError: the history cannot be read, or is cut off.
    """
    wanted = sorted(set(paths))
    if not wanted:
        return {}
    versions = branch.versions(wanted)
    # Neither of two branches comes first in the order of commits.
    return {
        version.path: version.commit.day for version in sorted(versions, key=lambda each: each.commit.time)
    }


def first_listed(branch: Branch, paths: Iterable[str]) -> dict[str, date]:
    """The day of the first commit that listed each recipient in some files or in `keys/`.

    Raises:
        GitError: the history cannot be read, or is cut off.
    """
    versions = branch.versions(sorted({"keys", *paths}))
    texts = dict(read_blobs(branch.repository, (each.blob for each in versions if each.blob is not None)))
    found: dict[str, date] = {}
    for version in versions:
        for key in recipients_in(texts.get(version.blob or "", b"").decode("utf-8", "replace")):
            found[key] = min(version.commit.day, found.get(key, version.commit.day))
    return found


def data_keys_since(branch: Branch, files: Mapping[str, bytes]) -> dict[str, date]:
    """The day of the first commit in which each encrypted file had the data key that it has now.

    A file without such a commit is left out. What a file was called before a rename does not count.

    Raises:
        GitError: the history cannot be read, or is cut off.
    """
    if not files:
        return {}
    versions: dict[str, list[FileVersion]] = {}
    for version in branch.versions(sorted(files)):
        versions.setdefault(version.path, []).append(version)
    blobs = {each.blob for own in versions.values() for each in own if each.blob is not None}
    marks = {blob: data_key_marks(data) for blob, data in read_blobs(branch.repository, blobs)}
    found = {}
    for path, data in files.items():
        own = [each for each in versions.get(path, ()) if each.blob in marks]
        now, *before = same_keys([data_key_marks(data), *(marks[each.blob or ""] for each in own)])
        days = [each.commit.day for each, number in zip(own, before, strict=True) if number == now]
        if days:
            found[path] = min(days)
    return found


@dataclass(frozen=True, slots=True)
class FormerReader:
    """A recipient of an earlier version of a file who is no longer one.

    Attributes:
        listed: the last commit in which it was encrypted for them.
        until: the last commit with a data key that they know.
        under: the file's path in that commit.
        now: they know its current data key; None if no identity at hand can tell.
    """

    path: str
    recipient: Recipient
    listed: Commit
    until: Commit
    under: str
    now: bool | None


_WRAPPED = (
    rb"-----BEGIN (?:AGE ENCRYPTED FILE|PGP MESSAGE)-----(?:\\+[nr]|\s)+"
    rb"([A-Za-z0-9+/]{60,76})(?:\\+[nr]|\s)+([A-Za-z0-9+/]{60,76})"
)
"""The first two lines of a wrapped key. They hold the ephemeral key, so no two wrapped keys share them."""


_TAG = rb",iv:([A-Za-z0-9+/=]+,tag:[A-Za-z0-9+/]{22})==,type:"
"""A ciphertext's nonce and tag, which no other has. `find_ciphertexts` checks more, but is slower."""


def data_key_marks(data: bytes) -> frozenset[bytes]:
    """Return what identifies the data key of an encrypted file: of its ciphertexts, and of its wrapped keys.

    It is found without parsing, since a history has many versions.
    """
    return frozenset((*re.findall(_TAG, data), *map(b"".join, re.findall(_WRAPPED, data))))


def renamed(changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    """Return the paths that may be one file: a commit removed one of them and added the other."""
    commits: dict[str, tuple[list[str], list[str]]] = {}
    for change in changes:
        removed, added = commits.setdefault(change.commit, ([], []))
        if change.blob is None:
            removed.append(change.path)
        elif not change.before:
            added.append(change.path)
    for removed, added in commits.values():
        only = len(removed) == len(added) == 1
        for old in removed:
            name = old.rpartition("/")[2]
            yield from ((old, new) for new in added if only or new.rpartition("/")[2] == name)


def same_file(
    marks: Mapping[str, Iterable[Hashable]], pairs: Iterable[tuple[str, str]]
) -> tuple[frozenset[str], ...]:
    """Group paths that ever had a data key in common, or that may be one file; transitively.

    Args:
        marks: what identifies the data keys that each path ever had.
        pairs: from `renamed`; a path without marks is left out.
    """
    paths = list(marks)
    own: dict[str, set[Hashable]] = {path: set(marks[path]) for path in paths}
    for pair in pairs:
        for path in pair:
            if path in own:
                own[path].add(pair)
    groups: dict[int, set[str]] = {}
    for number, path in zip(same_keys([own[path] for path in paths]), paths, strict=True):
        groups.setdefault(number, set()).add(path)
    return tuple(map(frozenset, groups.values()))


def same_keys(marks: Sequence[Iterable[Hashable]]) -> list[int]:
    """Number the versions by data key: those that share a mark, directly or through others, get one number.

    Args:
        marks: each version's ciphertexts, and anything else that identifies its data key.
    """
    parents = list(range(len(marks)))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    first: dict[Hashable, int] = {}
    for number, own in enumerate(marks):
        for mark in own:
            parents[root(number)] = root(first.setdefault(mark, number))
    return [root(number) for number in range(len(marks))]
