"""The files of a commit, put into a folder of their own; nothing of the work tree is touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fluxsecrets.errors import GitError, UsageError
from fluxsecrets.files.private import private_directory
from fluxsecrets.sops.formats import Limits

from .git import Repository
from .states import commit_state
from .tree import Tree, make_tree, normalise, parent

LINK = "120000"
"""The mode of a symbolic link."""


def resolve(repository: Repository, name: str) -> str:
    """The id of a commit.

    Raises:
        UsageError: the name is unknown.
    """
    if not name or name.startswith("-") or not name.isprintable():
        raise UsageError(f"{name!a} names no commit", hint="try origin/main..HEAD")
    try:
        found = repository.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitError:
        raise UsageError(
            f"there is no commit {name!a} here",
            hint="fetch it first; a shallow clone has only the last commits",
        ) from None
    return found.decode("ascii", "replace").strip()


@contextmanager
def checked_out(repository: Repository, commit: str, limits: Limits) -> Iterator[Tree]:
    """The files of a commit as a tree without a repository, for as long as they are needed.

    What was committed is in the repository anyway; the folder is for this user only, and is removed.

    Raises:
        GitError: an object is missing or damaged.
    """
    with private_directory(in_memory=False) as folder:
        root = Path(os.path.realpath(folder))
        # git never makes a path that leads out of the folder.
        found = commit_state(repository, commit).entries
        entries = {path: entry for path, entry in found.items() if normalise(path) == path}
        contents: dict[str, list[str]] = {}
        for path, entry in entries.items():
            contents.setdefault(entry.blob, []).append(path)
        made: list[str] = []
        for blob, kind, data in repository.read_objects(contents):
            if kind != "blob":
                raise GitError(f"the object {blob[:12]} is missing", hint="run `git fsck`", path=str(root))
            for path in contents[blob] if data is not None else ():  # what is too large is left out
                put(root, path, entries[path].mode, data or b"")
                made.append(path)
        yield make_tree(root, made, limits=limits)


def put(root: Path, path: str, mode: str, data: bytes) -> None:
    """Write a file of a commit into a folder; mode `120000` makes a symbolic link to where the data says."""
    target = root / path
    # Through a link no file is written: the folder above may be one only where git is lied to.
    if any((root / folder).is_symlink() for folder in _above(path)):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if mode == LINK:
        target.symlink_to(os.fsdecode(data))
    else:
        target.write_bytes(data)


def _above(path: str) -> Iterator[str]:
    while path := parent(path):
        yield path
