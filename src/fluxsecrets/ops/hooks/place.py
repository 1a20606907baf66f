"""Where the hooks of a repository are."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from fluxsecrets.errors import ConfigError, FileAccessError, GitError
from fluxsecrets.files.reasons import reason_of
from fluxsecrets.records import dataclass
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.bare import any_repository

from .hookfile import quoted


@dataclass(frozen=True, slots=True)
class HooksPlace:
    """Where a repository's hooks are.

    Attributes:
        folder: where git looks for them, or husky's own folder.
        shared: it lies in the work tree, so that the team has the same files.
        husky: it is husky's, which starts the files in it with `sh -e`.
    """

    folder: Path
    shared: bool
    husky: bool = False


def hooks_folder(repository: Repository) -> Path:
    """Where git looks for the hooks of a repository.

    Raises:
        GitError: git failed.
    """
    return Path(os.path.normpath(repository.root / repository.path_of("hooks")))


def find_place(repository: Repository, *, everywhere: bool = False, folder: Path | None = None) -> HooksPlace:
    """Where the hooks of a repository are: by core.hooksPath, in a worktree those of the main one.

    Args:
        repository: whose hooks.
        everywhere: take a folder that belongs to no repository.
        folder: where git looks; it is asked unless that is given.

    Raises:
        ConfigError: the folder belongs to no repository, and `everywhere` is not given.
    """
    folder = hooks_folder(repository) if folder is None else folder
    if (husky := husky_folder(repository, folder)) is not None:
        return HooksPlace(husky, shared=True, husky=True)
    if is_below(folder, repository.common_dir) or is_below(folder, repository.git_dir):
        return HooksPlace(folder, shared=False)
    if is_below(folder, repository.root):
        return HooksPlace(folder, shared=True)
    if not everywhere:
        raise ConfigError(
            "core.hooksPath names a folder outside of this repository, whose hooks run in others too",
            path=str(folder),
            hint="to have hooks of its own here: "
            f"`git config core.hooksPath {quoted(repository.common_dir / 'hooks')}`, then install again; "
            "for all repositories that use that folder: add --everywhere",
        )
    return HooksPlace(folder, shared=False)


def repository_at(start: Path) -> Repository:
    """Return the repository of a folder, which may be a bare one if the folder itself is it.

    Raises:
        GitError: the folder is in no repository, or in one that git cannot read.
    """
    found = any_repository(start)
    if found is None:
        raise GitError(
            "this is not a git repository, so it has no hooks", hint="run it inside one", path=str(start)
        )
    return found


def husky_folder(repository: Repository, folder: Path) -> Path | None:
    """Husky's folder with the team's hooks, where git looks into one of husky's.

    Since version 9 git looks into `.husky/_`, whose files husky makes anew with each installation.
    """
    for candidate in (folder, folder.parent):
        if candidate.name == ".husky" and is_below(candidate, repository.root):
            return candidate
    return None


def is_below(folder: Path, parent: Path) -> bool:
    """Return whether a folder is inside another, links followed."""
    real, real_parent = Path(os.path.realpath(folder)), Path(os.path.realpath(parent))
    return real.is_relative_to(real_parent)


def make_folder(folder: Path) -> None:
    """Make the folder of the hooks.

    Raises:
        FileAccessError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason, hint = reason_of(error)
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST):
            hint = "check core.hooksPath with `git config --show-origin core.hooksPath`"
        raise FileAccessError(
            f"the folder of the hooks cannot be made: {reason}",
            path=str(folder),
            hint=hint,
        ) from None
