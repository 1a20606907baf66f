"""The history that HEAD leads to; git lists its commits once, however often it is asked about files."""

from __future__ import annotations

from collections.abc import Sequence

from .history import FileVersion, changes_in, with_commits
from .repository import Repository


class Branch:
    """What HEAD led to when this was first asked.

    Attributes:
        repository: with the history.
        partial: take a shallow clone's history for all there is.
    """

    __slots__ = ("_commits", "partial", "repository")

    def __init__(self, repository: Repository, *, partial: bool = False) -> None:
        """Take the repository; git is not started yet."""
        self.repository = repository
        self.partial = partial
        self._commits: tuple[str, ...] | None = None

    @property
    def commits(self) -> tuple[str, ...]:
        """The ids of the commits, the last one first; none while HEAD has no commit.

        Raises:
            GitError: HEAD is broken, or the commits can't be listed.
        """
        if self._commits is None:
            self._commits = _commits(self.repository)
        return self._commits

    def versions(self, paths: Sequence[str]) -> tuple[FileVersion, ...]:
        """As `file_versions`, of what HEAD leads to, the last commit first.

        Args:
            paths: only these; empty means all.

        Raises:
            GitError: the history cannot be read, or is cut off.
            LimitError: it is too long to be held.
        """
        changes = changes_in(self.repository, self.commits, paths, partial=self.partial)
        return tuple(with_commits(self.repository, changes))


def _commits(repository: Repository) -> tuple[str, ...]:
    if not repository.has_head():
        return ()
    return tuple(repository.run("rev-list", "--topo-order", "HEAD", "--").decode("ascii").split())
