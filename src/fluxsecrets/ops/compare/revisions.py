"""Which two states of a repository the words of a command line name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.errors import UsageError
from fluxsecrets.repo.checkout import resolve
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import merge_base
from fluxsecrets.repo.states import INDEX, NOTHING, WORK_TREE

_SHORT_ID = 10


class Named(NamedTuple):
    """A state of a repository.

    Attributes:
        name: the id of a commit, or one of the names that `repo.states` has.
        shown: for people.
    """

    name: str
    shown: str


class Asked(NamedTuple):
    """What a command line asks for.

    Attributes:
        paths: as they were given.
    """

    before: Named
    after: Named
    paths: tuple[str, ...]


def read_words(
    repository: Repository, folder: Path, words: Sequence[str], paths: Sequence[str], *, staged: bool
) -> Asked:
    """Tell revisions from paths as `git diff` does: revisions come first.

    Args:
        repository: the repository.
        folder: the working directory, to which paths are relative.
        words: those in front of `--`, or all without one.
        paths: those behind `--`.
        staged: the index is the later state.

    Raises:
        UsageError: a word is neither a revision nor a path, or both; or there are too many revisions.
    """
    revisions: list[str] = []
    rest = [*words]
    while rest and _is_revision(repository, folder, rest[0], dashes=bool(paths)):
        revisions.append(rest.pop(0))
    for word in rest:
        if not _exists(folder, word) and not paths:
            raise UsageError(
                f"{word!a} is neither a revision nor a file here",
                hint="write `--` in front of paths that no longer exist",
            )
    return Asked(*_states(repository, revisions, staged=staged), (*rest, *paths))


def _is_revision(repository: Repository, folder: Path, word: str, *, dashes: bool) -> bool:
    named = [name or "HEAD" for name in _split(word)[1]]
    try:
        for name in named:
            resolve(repository, name)
    except UsageError:
        if dashes:
            raise
        return False
    if not dashes and _exists(folder, word):
        raise UsageError(
            f"{word!a} is a revision and a file", hint="write `--` behind revisions, and in front of paths"
        )
    return True


def _exists(folder: Path, word: str) -> bool:
    return bool(word) and os.path.lexists(folder / word)


def _split(word: str) -> tuple[str, list[str]]:
    """The dots of a range, and the names around them."""
    for dots in ("...", ".."):
        if dots in word:
            return dots, word.split(dots, 1)
    return "", [word]


def _states(repository: Repository, revisions: Sequence[str], *, staged: bool) -> tuple[Named, Named]:
    if len(revisions) > 2 or (staged and len(revisions) > 1):
        raise UsageError("too many revisions", hint="give one or two, or a range such as main..HEAD")
    if len(revisions) == 2:
        if any(_split(each)[0] for each in revisions):
            raise UsageError("a range and a revision", hint="give one range, or two revisions")
        return _commit(repository, revisions[0]), _commit(repository, revisions[1])
    later = Named(INDEX, INDEX) if staged else Named(WORK_TREE, WORK_TREE)
    if not revisions:
        return (_commit(repository, "HEAD") if repository.has_head() else Named(NOTHING, "no commit")), later
    dots, names = _split(revisions[0])
    if not dots:
        return _commit(repository, names[0]), later
    if staged:
        raise UsageError("--staged compares one revision with the index", hint="leave out --staged")
    one, two = (_commit(repository, name or "HEAD") for name in names)
    if dots == "...":
        base = merge_base(repository, one.name, two.name) or one.name
        one = Named(base, f"{base[:_SHORT_ID]}, where {one.shown} and {two.shown} part")
    return one, two


def _commit(repository: Repository, name: str) -> Named:
    found = resolve(repository, name)
    return Named(found, name if found.startswith(name) else f"{name} ({found[:_SHORT_ID]})")
