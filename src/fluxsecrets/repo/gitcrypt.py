"""Files that git-crypt unlocked: plain in the work tree, and encrypted in all that git stores and sends."""

from __future__ import annotations

from collections.abc import Collection

from .git import Repository
from .git.attributes import attributes_of
from .git.config import read_setting

_MARK = b"\0GITCRYPT\0"
_HEAD = 2**20
"""Bytes up to which a staged blob is read; larger ones are not taken for one of git-crypt."""


def unlocked_files(repository: Repository, paths: Collection[str]) -> frozenset[str]:
    """Those of some files of the work tree that git stores encrypted.

    The index has git-crypt's ciphertext of each, and the next `git add` encrypts it again: its attributes
    name a filter of git-crypt that is set up here. A file of which only one holds is as plain as it looks.

    Raises:
        GitError: the index cannot be read.
    """
    asked = sorted(path for path in paths if "\n" not in path and not path.startswith(("/", "../")))
    if not asked:
        return frozenset()
    stored = repository.read_objects((f":{path}" for path in asked), limit=_HEAD)
    sealed = [
        path
        for path, (_, _, data) in zip(asked, stored, strict=True)
        if data is not None and data.startswith(_MARK)
    ]
    if not sealed:
        return frozenset()
    attributes = attributes_of(repository, sealed, ("filter",))
    filters = {path: each["filter"] for path, each in attributes.items()}
    named = {name for name in filters.values() if name.startswith("git-crypt")}
    working = {name for name in named if _works(repository, name)}
    return frozenset(path for path in sealed if filters.get(path) in working)


def _works(repository: Repository, name: str) -> bool:
    """Whether a filter runs git-crypt before a file is stored."""
    return "git-crypt" in (read_setting(repository, f"filter.{name}.clean") or "")
