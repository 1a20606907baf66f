"""Git's index: what is staged, as it is staged, and how to put something else in its place."""

from __future__ import annotations

import os
from collections.abc import Iterable

from fluxsecrets.errors import GitError
from fluxsecrets.records import dataclass

from .repository import Repository

_REGULAR = "100"
"""What the modes of regular files start with; links, submodules and folders have others."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A regular file that the next commit changes or adds.

    Attributes:
        path: relative to the root with `/`.
        mode: git's, such as `100644`.
    """

    path: str
    mode: str
    blob: str


def staged_files(repository: Repository) -> tuple[StagedFile, ...]:
    """The regular files whose staged content differs from HEAD's, in order; one that was renamed is new.

    Raises:
        GitError: HEAD or the index cannot be read, or a merge left conflicts in it.
    """
    base = (
        b"HEAD"
        if repository.has_head()
        else repository.run("hash-object", "-t", "tree", "--no-filters", "--stdin", stdin=b"")
    )
    listing = repository.run(
        "diff-index", "--cached", "-z", "--no-renames", "--diff-filter=AMTU",
        "--ignore-submodules=all", base.decode().strip(), "--",
    )  # fmt: skip
    fields = os.fsdecode(listing).split("\0")
    found = []
    for entry, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, blob, status = entry.split(" ")
        if status.startswith("U"):
            raise GitError(
                "this file has conflicts from a merge", hint="resolve them and `git add` it first", path=path
            )
        if mode.startswith(_REGULAR):
            found.append(StagedFile(path, mode, blob))
    return tuple(found)


def write_blob(repository: Repository, data: bytes) -> str:
    """Put a content into git's object database, as it is.

    Returns:
        Its id.
    """
    return repository.run("hash-object", "-w", "--no-filters", "--stdin", stdin=data).decode().strip()


def stage(repository: Repository, files: Iterable[StagedFile]) -> None:
    """Put other contents into the index, all at once or none.

    Raises:
        GitError: another git has the index, or it cannot be written.
    """
    lines = b"".join(f"{file.mode} {file.blob}\t".encode() + os.fsencode(file.path) + b"\0" for file in files)
    repository.run("update-index", "-z", "--index-info", stdin=lines)
