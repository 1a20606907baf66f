"""git's configuration: what is set, and settings of this repository alone.

Written with `git config --local`: in a linked worktree, that is the configuration that all worktrees share;
in a submodule, its own. Comments and all other settings stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from fluxsecrets.errors import GitError

from .repository import Repository


def read_setting(repository: Repository, name: str) -> str | None:
    """Return the value that counts, whichever file it is in; None if the setting is missing.

    Args:
        repository: also counts what is set for one worktree, or for all repositories of the user.
        name: such as `merge.fluxsecrets.driver`.
    """
    return _last(repository, "--get-all", name)


def read_own_setting(repository: Repository, name: str) -> str | None:
    """Return the value in the repository's own configuration; None if the setting is not in it."""
    return _last(repository, "--local", "--get-all", name)


def read_settings(repository: Repository, pattern: str) -> tuple[tuple[str, str], ...]:
    """Return the names and values of settings, in all files that count; a later value of a name counts.

    Args:
        repository: also counts what is set for one worktree, or for all repositories of the user.
        pattern: a regular expression for the names, which are in lower case.
    """
    try:
        listing = os.fsdecode(repository.run("config", "--null", "--get-regexp", pattern))
    except GitError:  # exit code 1: nothing matches
        return ()
    pairs = (record.partition("\n") for record in listing.split("\0") if record)
    return tuple((name, value) for name, _, value in pairs)


def write_setting(repository: Repository, name: str, value: str) -> bool:
    """Set a value in the repository's own configuration.

    Returns:
        Whether that changed anything; a configuration that has it already is not written.

    Raises:
        GitError: the configuration is locked, read-only or damaged.
    """
    if read_own_setting(repository, name) == value:
        return False
    _change(repository, "--replace-all", name, value)
    return True


def remove_settings(repository: Repository, names: Sequence[str]) -> bool:
    """Remove settings from the repository's own configuration; git removes a section that is left empty.

    Returns:
        Whether one of them was there.

    Raises:
        GitError: the configuration is locked, read-only or damaged.
    """
    present = [name for name in names if read_own_setting(repository, name) is not None]
    for name in present:
        _change(repository, "--unset-all", name)
    return bool(present)


def _change(repository: Repository, *arguments: str) -> None:
    try:
        repository.run("config", "--null", "--local", *arguments)
    except GitError as error:
        if any("could not lock config file" in line for line in error.details):
            raise GitError(
                "git's configuration is locked by another git, or can't be written",
                hint="try again; if a killed git left it, delete `config.lock` beside the configuration",
                path=error.path,
                details=error.details,
            ) from None
        raise


def _last(repository: Repository, *arguments: str) -> str | None:
    try:
        values = repository.run("config", "--null", *arguments)
    except GitError:  # exit code 1: it is not set. A damaged configuration stops every other call, too
        return None
    return os.fsdecode(values).split("\0")[-2]
