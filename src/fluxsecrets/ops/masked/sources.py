"""The states of a repository that become trees: the work tree, or commits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from fluxsecrets.errors import GitError
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.checkout import resolve
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.snapshot import snapshots
from fluxsecrets.repo.states import State, commit_state
from fluxsecrets.repo.tree import Tree, open_tree

WORK_TREE = "the work tree"
_EXECUTABLE = "100755"


@dataclass(frozen=True, slots=True)
class Source:
    """A state of the repository.

    Attributes:
        name: for people.
        tree: its files.
        state: their modes, of a commit.
    """

    name: str
    tree: Tree
    state: State | None = None

    def link(self, path: str) -> str | None:
        """Return where a symbolic link leads, as it is written; None if the path is not a link."""
        place = f"{self.tree.root}/{path}"
        if path in self.tree.planned or not os.path.islink(place):  # noqa: PTH114 - asked for each file
            return None
        return os.readlink(place)  # noqa: PTH115

    def is_executable(self, path: str) -> bool:
        """Whether a file is a program."""
        if self.state is not None:
            return self.state.entries[path].mode == _EXECUTABLE
        return bool(os.lstat(f"{self.tree.root}/{path}").st_mode & stat.S_IXUSR)

    @property
    def has_submodules(self) -> bool:
        """Whether other repositories are inside of this one; their files don't belong to it."""
        return ".gitmodules" in self.tree.files


@contextmanager
def sources(session: Session, revisions: Sequence[str]) -> Iterator[tuple[Source, ...]]:
    """Give the states that were named, for as long as they are needed; without a name, the work tree.

    Raises:
        GitError: this is not a repository, and a revision was named; or git fails.
        UsageError: a revision is unknown.
        FileAccessError: a folder can't be listed.
    """
    if not revisions:
        yield (Source(WORK_TREE, open_tree(session.cwd, limits=session.limits)),)
        return
    repository = find_repository(session.cwd)
    if repository is None:
        raise GitError(
            "this is not a git repository, so it has no revisions",
            path=session.shown(session.cwd),
            hint="leave out the revisions: the files are taken as they are",
        )
    states = tuple(commit_state(repository, resolve(repository, name)) for name in revisions)
    with snapshots(repository, states, session.limits) as trees:
        yield tuple(
            Source(name, tree, state) for name, tree, state in zip(revisions, trees, states, strict=True)
        )
