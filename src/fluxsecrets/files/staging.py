"""Names for new contents before they replace files: out of git's sight, in a private folder.

When a file is replaced, the new content has a name of its own for a moment, and so has the old one. If the
run is killed at that moment, a plain text beside the file could be committed. So the name is in a private
folder in git's own directory, or without git in the user's state folder, where the next run finds and deletes
it, see `deadfolders`. If neither can take it, such as on another file system, the name is beside the file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.records import dataclass

from . import system
from .beside import temporary_path
from .cameout import shown_name
from .deadfolders import FOLDER_FLAGS
from .private import make_locked, make_private_folders, remove_locked
from .statedirs import state_above, user_state_folder
from .undisturbed import undisturbed

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

Name = Callable[[Path], Path]
"""Gives a file a fresh temporary name."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """A private folder of this run.

    Attributes:
        device: the file system that it is on.
        lock: the descriptor that holds its lock.
    """

    folder: Path
    device: int
    lock: int | None


@contextmanager
def staging() -> Iterator[Name]:
    """Temporary names for files that are about to be replaced.

    At the end, the folders in which the names are go with whatever is in them.
    """
    stages: dict[str, _Stage | None] = {}
    known: dict[str, _Stage | None] = {}
    states: dict[str, str | None] = {}

    def name(path: Path) -> Path:
        folder = os.path.dirname(path)  # noqa: PTH120 - a path object takes long to hash
        if folder not in known:
            known[folder] = _stage_for(folder, stages, states)
        stage = known[folder]
        if stage is None:
            return temporary_path(path)
        name = shown_name(os.path.abspath(path))  # noqa: PTH100 - links may be kept
        return temporary_path(os.path.join(stage.folder, name))  # noqa: PTH118

    try:
        yield name
    finally:
        with undisturbed():
            for stage in stages.values():
                if stage is not None:
                    with suppress(FileAccessError):  # the next run finds it
                        remove_locked(stage.folder, stage.lock)


def _stage_for(folder: str, stages: dict[str, _Stage | None], states: dict[str, str | None]) -> _Stage | None:
    if system.WINDOWS:
        return None
    state = state_above(os.path.abspath(folder), states)  # noqa: PTH100 - links may be kept
    if state is None:
        try:
            state = user_state_folder(os.environ)
        except FileAccessError:
            return None
    if state not in stages:
        stages[state] = _make(state)
    stage = stages[state]
    try:
        return stage if stage is not None and os.stat(folder or ".").st_dev == stage.device else None  # noqa: PTH116
    except (OSError, ValueError):
        return None  # writing the file will say what is wrong


def _make(state: str) -> _Stage | None:
    try:
        make_private_folders(Path(state))
        descriptor = os.open(state, FOLDER_FLAGS)
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        # A folder that came with an archive may be anybody's; a link was refused above.
        if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_WRITE:
            return None
        folder, lock = make_locked(Path(state))
    except (OSError, FileAccessError):
        return None
    return _Stage(folder, status.st_dev, lock)
