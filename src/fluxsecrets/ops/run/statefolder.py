"""Where the state of a work tree is kept, whether it is ours, and whether an operation was interrupted there.

In git that is `fluxsecrets` in the git directory (a worktree's and a submodule's own one). Elsewhere it is a
folder of the user's own, named after the tree's path: what lies in the tree may have come with an archive.
Every command passes here, so nothing heavy is imported.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.files.statedirs import STATE_NAME, git_directory, upwards, user_state_folder
from fluxsecrets.marks import OLD_STATE_NAME
from fluxsecrets.records import dataclass

JOURNAL = "journal"
"""The folder in a state folder that holds the journal of an operation under way, or interrupted."""

_KEY_NAME = "journal.key"
_KEY_LENGTH = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_CAN_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Place:
    """One work tree, and where its state is kept.

    Attributes:
        root: absolute path of the folder that all files of an operation are in, links resolved.
        state: the state folder; it need not exist.
        git_dir: the tree's git directory, or None.
    """

    root: Path
    state: Path
    git_dir: Path | None = None


def place_in_git(root: Path, git_dir: Path) -> Place:
    """The place of a git work tree."""
    return Place(root.resolve(), git_dir / STATE_NAME, git_dir)


def place_without_git(root: Path) -> Place:
    """The place of a folder outside of git.

    Raises:
        FileAccessError: the user has no folder for state.
    """
    real = root.resolve()
    return Place(real, Path(_trees_folder(), _tree_name(str(real))))


def _trees_folder() -> str:
    """The user's own folder that holds one state folder per tree without git."""
    return os.path.join(user_state_folder(os.environ), "trees")  # noqa: PTH118 - every command comes by here


def _tree_name(real: str) -> str:
    from hashlib import sha256  # a tree without git is rare

    return sha256(os.fsencode(real)).hexdigest()[:32]


def require_ours(path: Path) -> os.stat_result | None:
    """Refuse a folder or file of the state that is not ours: a link, another user's, or writable for others.

    Returns:
        Its status, or None if it does not exist.

    Raises:
        FileAccessError: it is not ours, or its status cannot be read.
    """
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        from fluxsecrets.files.reasons import reason_of  # only when something fails

        raise FileAccessError(f"cannot be looked at: {reason_of(error).text}", path=str(path)) from None
    wrong = None
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        wrong = "it is a link, or not a regular file"
    elif hasattr(os, "geteuid"):
        if status.st_uid != os.geteuid():
            wrong = "it belongs to another user"
        elif status.st_mode & _CAN_WRITE:
            wrong = "other users can write to it"
    if wrong is not None:
        raise FileAccessError(
            f"is not a place that fluxsecrets keeps state in: {wrong}",
            hint="fluxsecrets did not make it like this; look at it, then remove it",
            path=str(path),
        )
    return status


def claim(folder: Path) -> None:
    """Make a state folder for this user alone, or make sure that it is.

    Raises:
        FileAccessError: it is not ours (see `require_ours`), or cannot be made.
        OSError: its mode cannot be changed.
    """
    from fluxsecrets.files.private import make_private_folders

    status = require_ours(folder)
    if status is None:
        make_private_folders(folder)
        require_ours(folder)
    elif status.st_mode & _OTHERS and hasattr(os, "geteuid"):
        folder.chmod(0o700)


def journal_key(*, make: bool) -> bytes | None:
    """The random key with which this user's journals are authenticated.

    It is kept in the user's own folder, never with the tree: nobody else can authenticate a journal with it.

    Args:
        make: make one if it is missing.

    Returns:
        The key, or None if it is missing.

    Raises:
        FileAccessError: it is damaged, not ours, or could not be made.
    """
    from fluxsecrets.files.private import make_private_folders
    from fluxsecrets.files.reading import read_file
    from fluxsecrets.files.reasons import is_full
    from fluxsecrets.files.writing import write_new

    path = Path(user_state_folder(os.environ), _KEY_NAME)
    if require_ours(path) is None:
        if not make:
            return None
        try:
            make_private_folders(path.parent)
            write_new(path, os.urandom(_KEY_LENGTH))
        except FileAccessError as error:
            if not os.path.lexists(path):  # another run was not faster either
                if is_full(error.__cause__):
                    raise  # the hint says what to do; another folder would be full, too
                error.hint = (
                    "set XDG_STATE_HOME to a folder of yours that can be written; nothing was changed"
                )
                raise
        require_ours(path)
    key = read_file(path, limit=2**10).data
    if len(key) != _KEY_LENGTH:
        raise FileAccessError("is damaged", hint="remove it; a new one is made", path=str(path))
    return key


def waiting_places(folders: Iterable[str], met: set[str] | None = None) -> Iterator[Place]:
    """The work trees of some folders in which the journal of an operation waits.

    Args:
        folders: absolute, each once; they need not exist.
        met: when this ends, it also has the state folders of all folders that are in git, see `state_above`.

    Raises:
        UsageError: a journal lies where fluxsecrets does not look for one.
    """
    seen: set[str] = set()
    trees = _Trees()
    for folder in folders:
        for root, state, git_dir in _states(folder, seen, trees):
            if met is not None and git_dir is not None:
                met.add(state)
            if os.path.lexists(os.path.join(state, JOURNAL)):  # noqa: PTH118
                yield Place(Path(root).resolve(), Path(state), Path(git_dir) if git_dir is not None else None)


def interrupted_above(folder: Path) -> Place | None:
    """The nearest place with an interrupted operation outside of git, from a folder upwards.

    Returns:
        None inside of git, or without one.
    """
    for root, state, git_dir in _states(str(folder), set(), _Trees()):
        if git_dir is None and os.path.lexists(os.path.join(state, JOURNAL)):  # noqa: PTH118
            return Place(Path(root).resolve(), Path(state))
    return None


class _Trees:
    """The user's folder with the state folders of trees outside of git; looked for when asked for."""

    def __init__(self) -> None:
        self._path: str | None = None

    def path(self) -> str:
        """Its path, or "" where it does not exist."""
        if self._path is None:
            folder = _trees_folder()
            self._path = folder if os.path.isdir(folder) else ""  # noqa: PTH112
        return self._path


def _states(folder: str, seen: set[str], trees: _Trees) -> Iterator[tuple[str, str, str | None]]:
    """The roots, state folders and git directories that apply to a folder, the nearest first."""
    for level in upwards(folder):
        if level in seen:
            return
        seen.add(level)
        git = git_directory(level)
        if git is not None:
            yield level, os.path.join(git, STATE_NAME), git  # noqa: PTH118
            return
        if os.path.lexists(os.path.join(level, OLD_STATE_NAME, JOURNAL)):  # noqa: PTH118
            _refuse_brought(os.path.join(level, OLD_STATE_NAME))  # noqa: PTH118
        if trees.path():
            state = os.path.join(trees.path(), _tree_name(os.path.realpath(level)))  # noqa: PTH118
            yield level, state, None


def _refuse_brought(state: str) -> None:
    raise UsageError(
        "holds a journal that fluxsecrets does not follow: it came with the folder, or an older one wrote it",
        hint=f"look at {JOURNAL}/plan.json in it, compare the files that it names with a copy that you "
        "trust, then remove this folder",
        path=state,
    )
