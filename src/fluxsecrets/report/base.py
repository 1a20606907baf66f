"""What paths in JSON are relative to: the root of the repository, wherever the command runs.

Operations name files as the user would, relative to the working directory.
"""

from __future__ import annotations

import os
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, GitError, ServiceError, StoreError
from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_NO_PATHS = ("-", "", "standard input", "the Secret")
"""Texts that an error has in place of a path."""


class Base(NamedTuple):
    """The working directory, and the root of the repository.

    Attributes:
        cwd: a real path.
        root: a real path; None outside of a repository.
    """

    cwd: str
    root: str | None

    def path(self, shown: str) -> str:
        """Return a path, relative to the root with `/`, of one that is relative to the working directory.

        A file outside of the repository has an absolute path. Outside of a repository, what is below the
        working directory is relative to that.
        """
        if shown in _NO_PATHS:
            return shown
        top = self.root or self.cwd
        # Of links, what they are counts, not where they lead: only the folder is resolved.
        folder, name = os.path.split(os.path.normpath(Path(self.cwd, shown)))
        absolute = Path(os.path.realpath(folder), name)
        return absolute.relative_to(top).as_posix() if absolute.is_relative_to(top) else absolute.as_posix()

    def paths(self, shown: Iterable[str]) -> list[str]:
        """Return the same for several."""
        return [self.path(each) for each in shown]

    def error_path(self, error: FluxsecretsError) -> str | None:
        """Return the same for the place of an error, which may be a key in a store or a variable."""
        path = error.path
        if path is None or isinstance(error, StoreError | ServiceError) or _is_variable(path):
            return path
        return self.path(path)

    @property
    def at_root(self) -> Base:
        """The base for paths that are relative to the root already."""
        return Base(self.root or self.cwd, self.root)

    @property
    def shown_root(self) -> str | None:
        """How the root is reached from the working directory, with `/`; None outside of a repository."""
        if self.root is None:
            return None
        try:
            return os.path.relpath(self.root, self.cwd).replace(os.sep, "/")
        except ValueError:  # another drive of Windows
            return Path(self.root).as_posix()


def here() -> Base:
    """Return the base for a command that runs in the working directory."""
    from fluxsecrets.repo.git import find_repository

    try:
        cwd = os.path.realpath(Path.cwd())
    except OSError:  # it is gone
        return Base(os.sep, None)
    try:
        found = find_repository(Path(cwd))
    except GitError:
        found = None
    return Base(cwd, None if found is None else os.path.realpath(found.root))


def rooted(root: Path) -> Base:
    """Return the base for results whose paths are relative to a root already."""
    return Base(os.path.realpath(Path.cwd()), os.path.realpath(root))


def _is_variable(text: str) -> bool:
    """Return whether a text is the name of an environment variable, such as SOPS_AGE_KEY."""
    return text.isidentifier() and text.isupper() and "_" in text
