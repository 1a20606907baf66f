"""What the history of a repository says about keys: who was taken out, and when files last changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from .git import Repository

_RECIPIENT = re.compile(r"age1[a-z0-9]{20,}|ssh-(?:ed25519|rsa) [A-Za-z0-9+/=]{40,}|\b[0-9A-Fa-f]{40}\b")
_ANCHOR = re.compile(r"&(?P<name>[^\s,\[\]{}]+)[ \t]+[\"']?(?P<key>" + _RECIPIENT.pattern + ")")
_SUFFIX = ".pub"


@dataclass(frozen=True, slots=True)
class RemovedKey:
    """A recipient that stood in `keys/` or a `.sops.yaml` once, and stands in none of them any more.

    Attributes:
        recipient: the public key.
        name: that it had, or "".
        day: on which it was taken out.
        commit: that took it out.
        path: the file that it stood in.
    """

    recipient: str
    name: str
    day: date
    commit: str
    path: str


def recipients_in(text: str) -> frozenset[str]:
    """The public keys that stand in a file."""
    return frozenset(match[0] for match in _RECIPIENT.finditer(text))


def names_in(path: str, text: str) -> dict[str, str]:
    """The names of the public keys in a `keys/NAME.pub` or a `.sops.yaml`."""
    if path.endswith(_SUFFIX):
        name = path.rpartition("/")[2].removesuffix(_SUFFIX)
        return dict.fromkeys(recipients_in(text), name)
    return {match["key"]: match["name"] for match in _ANCHOR.finditer(text)}


def removed_keys(repository: Repository, now: Mapping[str, str]) -> tuple[RemovedKey, ...]:
    """The recipients that were taken out, the last one first.

    One whose name is there with another key was exchanged, and is left out.

    Args:
        repository: with its history.
        now: the files that name recipients today, with their text: `keys/*.pub` and every `.sops.yaml`.

    Raises:
        GitError: the history cannot be read.
    """
    known = frozenset(key for text in now.values() for key in recipients_in(text))
    names = {name for path, text in now.items() for name in names_in(path, text).values()}
    folders = sorted({"keys", *(path for path in now if not path.endswith(_SUFFIX))})
    changes = list(_changes(repository, folders))
    blobs = {blob for _, _, _, blob in changes}
    texts = {
        name: data.decode("utf-8", "replace")
        for name, _, data in repository.read_objects(sorted(blobs))
        if data is not None
    }
    called = {
        key: name for _, _, path, blob in changes for key, name in names_in(path, texts.get(blob, "")).items()
    }
    found: dict[str, RemovedKey] = {}
    for commit, day, path, blob in changes:
        for key in recipients_in(texts.get(blob, "")) - known - found.keys():
            if called.get(key) not in names:
                found[key] = RemovedKey(key, called.get(key, ""), day, commit, path)
    return tuple(found.values())


def last_changed(repository: Repository, paths: Iterable[str]) -> dict[str, date]:
    """The day of the last commit that changed each of some files; those that no commit has are not in it.

    Raises:
        GitError: the history cannot be read.
    """
    wanted = frozenset(paths)
    if not wanted or not repository.has_head():
        return {}
    found: dict[str, date] = {}
    listing = repository.run(
        "log", "--no-renames", "--name-only", "-z", "--format=%x01%as", "--", *sorted(wanted)
    )
    day = date.min
    for token in _tokens(listing):
        if token.startswith("\x01"):
            day = date.fromisoformat(token[1:11])
        elif token in wanted:
            found.setdefault(token, day)
    return found


def _changes(repository: Repository, paths: list[str]) -> Iterator[tuple[str, date, str, str]]:
    """What was changed or deleted below some paths, the last first: commit, day, path, the blob before."""
    if not repository.has_head():
        return
    listing = repository.run(
        "log", "--no-renames", "--raw", "--no-abbrev", "-z", "--diff-filter=DM", "--format=%x01%H %as",
        "--", *paths,
    )  # fmt: skip
    commit, day, blob = "", date.min, ""
    for token in _tokens(listing):
        if token.startswith("\x01"):
            commit, _, when = token[1:].partition(" ")
            day = date.fromisoformat(when[:10])
        elif token.startswith(":"):
            blob = token.split(" ")[2]
        elif blob:
            yield commit, day, token, blob
            blob = ""


def _tokens(listing: bytes) -> Iterator[str]:
    for token in listing.decode("utf-8", "surrogateescape").split("\0"):
        stripped = token.lstrip("\n")
        if stripped:
            yield stripped
