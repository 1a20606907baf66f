"""Collect changes of files, to be written all at once at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from fluxsecrets.ops.run.results import FileChange
from fluxsecrets.repo.tree import Tree


@dataclass(slots=True)
class Workspace:
    """A tree with changes on top."""

    tree: Tree
    _old: dict[str, bytes | None] = field(default_factory=dict)
    _new: dict[str, bytes | None] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        """Return the future content of a file.

        Raises:
            FileAccessError, LimitError: the file can't be read.
        """
        new = self._new.get(path)
        if new is not None:
            return new
        if path not in self._old:
            self._old[path] = self.tree.read(path)
        return self._old[path] or b""

    def write(self, path: str, data: bytes, *, old: bytes | None) -> None:
        """Set a file's new content.

        `old` is the current content, or None for a new file.
        """
        self._old.setdefault(path, old)
        self._new[path] = data

    def remove(self, path: str, *, old: bytes) -> None:
        """Remove a file."""
        self._old.setdefault(path, old)
        self._new[path] = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The files with a new content, or without one."""
        return tuple(self._new)

    @property
    def planned(self) -> dict[str, bytes]:
        """The new contents, without removals."""
        return {path: new for path, new in self._new.items() if new is not None}

    @property
    def removed(self) -> tuple[str, ...]:
        """The files that are removed."""
        return tuple(path for path, new in self._new.items() if new is None)

    def changes(self) -> tuple[FileChange, ...]:
        """Return all changes."""
        root = self.tree.root.resolve()
        return tuple(
            FileChange(root / path, new, self._old[path], mode=0o644 if self._old[path] is None else None)
            for path, new in self._new.items()
            if new != self._old[path]
        )
