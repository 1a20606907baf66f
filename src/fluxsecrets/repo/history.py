"""What every commit made of files: one `git log` for names, one `git cat-file --batch` for contents."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .git import BLOB_LIMIT, Repository

_COMMIT = b"commit "


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit.

    Attributes:
        id: all its hex digits.
        time: seconds since 1970, when it was committed.
        author: name of its author.
    """

    id: str
    time: int
    author: str


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What a commit made of a file.

    Attributes:
        commit: that did it.
        path: the file, with `/`.
        blob: id of its content; None where it was removed.
    """

    commit: Commit
    path: str
    blob: str | None


def file_versions(repository: Repository, paths: Sequence[str] = ()) -> tuple[FileVersion, ...]:
    """Every version of files in the history of all branches, tags and HEAD, the oldest first.

    Of a merge the files count that differ from both sides. Renames are a removal and a new file.

    Args:
        repository: whose history.
        paths: only these; empty means all.

    Raises:
        GitError: the history cannot be read.
        LimitError: it is too long to be held.
    """
    heads = repository.run("rev-list", "--all", "--max-count=1").strip() or repository.run(
        "for-each-ref", "--count=1"
    )
    if not heads:
        return ()
    listing = repository.run(
        "log", "--all", "--topo-order", "--reverse", "--raw", "-c", "-z", "--no-abbrev", "--no-renames",
        "--no-ext-diff", "--format=tformat:commit %H %ct %an", "--", *paths,
    )  # fmt: skip
    return tuple(_versions(listing))


def _versions(listing: bytes) -> Iterator[FileVersion]:
    """Parse `git log --raw -c -z`: a commit's line, then for each file its modes and ids, and its name."""
    commit: Commit | None = None
    # A commit's first file comes behind a line break
    records = (record.lstrip(b"\n") for record in listing.split(b"\0"))
    for record in records:
        if record.startswith(_COMMIT):
            id_, time, author = record[len(_COMMIT) :].split(b" ", 2)
            commit = Commit(id_.decode(), int(time), author.decode("utf-8", "replace"))
        elif record.startswith(b":") and commit is not None:
            fields = record.lstrip(b":").split(b" ")
            sides = len(record) - len(record.lstrip(b":"))
            mode, blob = fields[sides], fields[2 * sides + 1]
            path = next(records, b"")
            if mode.startswith(b"100"):
                yield FileVersion(commit, os.fsdecode(path), blob.decode())
            elif blob.strip(b"0") == b"":
                yield FileVersion(commit, os.fsdecode(path), None)


def read_blobs(
    repository: Repository, blobs: Iterable[str], *, limit: int = BLOB_LIMIT
) -> Iterator[tuple[str, bytes]]:
    """The contents of blobs, each once; what is larger than the limit is left out."""
    for name, _, data in repository.read_objects(dict.fromkeys(blobs), limit=limit):
        if data is not None:
            yield name, data
