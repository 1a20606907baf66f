"""Whether an operation was interrupted where files are about to be changed; cheap enough for all commands."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from fluxsecrets.errors import UsageError

from .statefolder import OLD_STATE_NAME, STATE_NAME, Place, tree_state, trees_folder

_JOURNAL = "journal"


def refuse_interrupted_at(paths: Iterable[Path]) -> None:
    """Stop where an interrupted operation waits in the work tree of one of some files.

    Args:
        paths: absolute.

    Raises:
        UsageError: there is one; it says how to complete it and how to take it back.
        FileAccessError: there is one that this user's fluxsecrets did not write.
    """
    seen: set[str] = set()
    for folder in {os.path.dirname(path) for path in paths}:  # noqa: PTH120 - every command comes by here
        for root, state, git_dir in _states(folder, seen):
            if os.path.lexists(os.path.join(state, _JOURNAL)):  # noqa: PTH118
                from .journal import refuse_pending

                refuse_pending(
                    Place(Path(root).resolve(), Path(state), Path(git_dir) if git_dir is not None else None)
                )


def interrupted_above(folder: Path) -> Place | None:
    """The nearest place with an interrupted operation outside of git, from a folder upwards.

    Returns:
        None inside of git, or without one.
    """
    for root, state, git_dir in _states(str(folder), set()):
        if git_dir is None and os.path.lexists(os.path.join(state, _JOURNAL)):  # noqa: PTH118
            return Place(Path(root).resolve(), Path(state))
    return None


def _states(folder: str, seen: set[str]) -> Iterator[tuple[str, str, str | None]]:
    """The roots, state folders and git directories that count from a folder upwards, the nearest first."""
    trees: str | None = None
    while folder not in seen:
        seen.add(folder)
        git = os.path.join(folder, ".git")  # noqa: PTH118
        if os.path.isdir(git):  # noqa: PTH112
            yield folder, os.path.join(git, STATE_NAME), git  # noqa: PTH118
            return
        if os.path.isfile(git):  # noqa: PTH113 - a worktree or a submodule
            try:
                text = Path(git).read_text(encoding="utf-8", errors="surrogateescape")
            except OSError:
                return
            git = os.path.join(folder, text.removeprefix("gitdir:").strip())  # noqa: PTH118
            yield folder, os.path.join(git, STATE_NAME), git  # noqa: PTH118
            return
        if os.path.lexists(os.path.join(folder, OLD_STATE_NAME, _JOURNAL)):  # noqa: PTH118
            _refuse_brought(os.path.join(folder, OLD_STATE_NAME))  # noqa: PTH118
        if trees is None:
            trees = trees_folder()
            trees = trees if os.path.isdir(trees) else ""  # noqa: PTH112
        if trees:
            yield folder, tree_state(trees, folder), None
        folder = os.path.dirname(folder)  # noqa: PTH120


def _refuse_brought(state: str) -> None:
    raise UsageError(
        "holds a journal that fluxsecrets does not follow: it came with the folder, or an older one wrote it",
        hint=f"look at {_JOURNAL}/plan.json in it, compare the files that it names with a copy that you "
        "trust, then remove this folder",
        path=state,
    )
