"""What is written for a new environment, as it is worked out; nothing reaches the disk."""

from __future__ import annotations

from pathlib import Path

from fluxsecrets.ops.run.results import FileChange
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.writer import merged
from fluxsecrets.repo.tree import Tree


class Draft:
    """Collects new contents of files, and warnings. Paths are relative to the repository's root."""

    def __init__(self, session: Session, tree: Tree) -> None:
        """Start with nothing."""
        self.session = session
        self.tree = tree
        self.warnings: list[str] = []
        self.old: dict[str, bytes | None] = {}
        self.new: dict[str, bytes] = {}
        self._modes: dict[str, int | None] = {}

    def shown(self, path: str) -> str:
        """A path as the user would name it."""
        return self.session.shown(self.tree.root / path)

    def write(self, path: str, data: bytes, *, old: bytes | None, mode: int | None = None) -> None:
        """Note a file's new content."""
        self.old.setdefault(path, old)
        self.new[path] = data
        self._modes.setdefault(path, mode)

    def changes(self) -> tuple[FileChange, ...]:
        """All that differs from what is there."""
        root = self.tree.root.resolve()
        return merged(
            [
                FileChange(root / path, data, self.old[path], self._modes[path])
                for path, data in self.new.items()
                if data != self.old[path]
            ]
        )

    def config_of(self, path: str) -> Path | None:
        """The `.sops.yaml` that is for a file."""
        return self.session.find_config((self.tree.root / path).parent)
