"""Whether an operation was interrupted where files are about to be changed; cheap enough for all commands."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

STATE_NAME = ".fluxsecrets-state"
"""The folder for what is under way where there is no git."""


def refuse_interrupted_at(paths: Iterable[Path]) -> None:
    """Stop where an interrupted operation waits in the work tree of one of some files.

    Args:
        paths: absolute.

    Raises:
        UsageError: there is one; it says how to complete it and how to take it back.
    """
    seen: set[str] = set()
    for folder in {os.path.dirname(path) for path in paths}:  # noqa: PTH120 - every command comes by here
        for state in _states(folder, seen):
            if os.path.isdir(os.path.join(state, "journal")):  # noqa: PTH112, PTH118
                from fluxsecrets.ops.journal import refuse_pending

                refuse_pending(Path(state))


def state_above(folder: Path) -> Path | None:
    """The nearest state folder outside of git, from a folder upwards; None inside of git, or without one."""
    for each in (folder, *folder.parents):
        if os.path.lexists(each / ".git"):
            return None
        if (each / STATE_NAME).is_dir():
            return each / STATE_NAME
    return None


def _states(folder: str, seen: set[str]) -> Iterator[str]:
    while folder not in seen:
        seen.add(folder)
        git = os.path.join(folder, ".git")  # noqa: PTH118
        if os.path.isdir(git):  # noqa: PTH112
            yield os.path.join(git, "fluxsecrets")  # noqa: PTH118
            return
        if os.path.isfile(git):  # noqa: PTH113 - a worktree or a submodule
            try:
                text = Path(git).read_text(encoding="utf-8", errors="surrogateescape")
            except OSError:
                return
            yield os.path.join(folder, text.removeprefix("gitdir:").strip(), "fluxsecrets")  # noqa: PTH118
            return
        yield os.path.join(folder, STATE_NAME)  # noqa: PTH118
        folder = os.path.dirname(folder)  # noqa: PTH120
