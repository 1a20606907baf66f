"""Bare repositories: those that have commits and no work tree."""

from __future__ import annotations

from pathlib import Path

from .discovery import bare_repository, find_repository, is_bare
from .repository import Repository


def any_repository(start: Path) -> Repository | None:
    """Return the repository of a folder, or None; a bare one only if the folder itself is it.

    Raises:
        GitError: git cannot read it.
    """
    return bare_repository(start) if _is_bare_alone(start) else find_repository(start)


def is_bare_repository(repository: Repository) -> bool:
    """Return whether a repository has no work tree."""
    return repository.root == repository.git_dir


def _is_bare_alone(folder: Path) -> bool:
    """Whether a folder is a bare repository that is not inside of another repository's work tree.

    The configuration of one that came with a clone must not count.
    """
    place = folder.resolve()
    if place.name == ".git" or not is_bare(place):
        return False
    return not any((above / ".git").exists() for above in (place, *place.parents))
