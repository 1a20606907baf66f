"""The files of a commit, for the creation rules that apply in it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from fluxsecrets.errors import LimitError
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.rulenames import Files

_LARGEST = 2**20
_REGULAR, _LINK = "100", "120000"


class CommitFiles(Files):
    """The files of a commit: nothing of the work tree counts. They are listed when the first is asked for."""

    def __init__(self, repository: Repository, revision: str) -> None:
        """Take the commit."""
        super().__init__(str(repository.root))
        self._repository = repository
        self._revision = revision
        self._entries: dict[str, tuple[str, str]] | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Another process lists them again."""
        return (CommitFiles, (self._repository, self._revision))

    @property
    def paths(self) -> Iterable[str]:
        """All of them."""
        return tuple(self._listed)

    def content(self, path: str, *, follow_links: bool = False) -> bytes | None:
        """The bytes of a file; None if the commit does not have it.

        Raises:
            LimitError: it is larger than 1 MiB.
            GitError: it cannot be read.
        """
        mode, blob = self._listed.get(path, ("", ""))
        if mode == _LINK and follow_links:
            target = os.fsdecode(self._repository.run("cat-file", "blob", blob))
            path = os.path.normpath(os.path.join(os.path.dirname(path), target)).replace(os.sep, "/")  # noqa: PTH118,PTH120
            mode, blob = self._listed.get(path, ("", ""))
        if not mode.startswith(_REGULAR):
            return None
        for _, _, data in self._repository.read_objects([blob], limit=_LARGEST):
            if data is None:
                raise LimitError(f"larger than {_LARGEST // 2**20} MiB", hint="split it", path=path)
            return data
        return None

    @property
    def _listed(self) -> dict[str, tuple[str, str]]:
        if self._entries is None:
            listing = os.fsdecode(self._repository.run("ls-tree", "-r", "-z", "--full-tree", self._revision))
            self._entries = {}
            for record in filter(None, listing.split("\0")):
                entry, _, path = record.partition("\t")
                mode, _, rest = entry.partition(" ")
                self._entries[path] = (mode, rest.rpartition(" ")[2])
        return self._entries
