"""Temporary files beside the files that they replace, and what killed runs left of them.

They are there only where a file can't be staged out of git's sight, see `staging`.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.marks import is_leftover_name

from .processes import is_running, machine_tag

_LEFTOVER = r"(?s)\..*\.fluxsecrets-([0-9a-f]{8})-([0-9]+)-[0-9a-f]{8}(?:-[0-9a-f]+-[0-9a-f]{16})?\.tmp"
_STALE_AFTER = 3600  # seconds; a temporary file is in use for the time of one batch


class Fate(Enum):
    """What became of a temporary file that was found."""

    DELETED = auto()
    IN_USE = auto()
    LEFT = auto()


def remove_leftovers(folder: Path | str) -> tuple[Path, ...]:
    """Delete temporary files in a folder that an earlier, killed run left; not in folders below it.

    Args:
        folder: a folder that is about to be written to, or was.

    Returns:
        What was deleted; see `remove_leftover`.
    """
    try:
        names = [name for name in os.listdir(folder) if is_leftover_name(name)]  # noqa: PTH208 - many folders
    except OSError:
        return ()
    paths = [Path(folder, name) for name in names]
    return tuple(path for path in paths if remove_leftover(path) is Fate.DELETED)


def remove_leftover(path: Path) -> Fate:
    """Delete a temporary file if an earlier, killed run left it.

    That is so if its process ran on this machine (and in this container) and is gone, or if the file is older
    than an hour: no run needs one for that long, and a run that did would fail without harm.

    Args:
        path: a file whose name may be that of a temporary one.

    Returns:
        LEFT for a file of another machine, one that can't be examined or deleted, and one that holds what
        another program saved, see `cameout`.
    """
    match = re.fullmatch(_LEFTOVER, path.name)
    if match is None:
        return Fate.LEFT
    with suppress(OSError):
        status = path.lstat()
        mine = match[1] == machine_tag()
        gone = mine and not is_running(int(match[2]))
        if stat.S_ISREG(status.st_mode) and (gone or time.time() - status.st_mtime > _STALE_AFTER):
            if _is_an_edit(path):
                return Fate.LEFT
            path.unlink()
            return Fate.DELETED
        return Fate.IN_USE if mine and not gone else Fate.LEFT
    return Fate.LEFT


def _is_an_edit(path: Path) -> bool:
    from .cameout import came_out, is_marked  # only when something is found

    try:
        return is_marked(path.name) and came_out(path) is not None
    except FileAccessError:
        return True


def temporary_path(path: Path | str) -> Path:
    """A fresh name beside a file, which tells `remove_leftovers` who made it."""
    # Names have at most 255 bytes; what is added takes up to 50, and a mark of `cameout` 34 more.
    folder, shown = os.path.split(path)
    shown = shown.encode("utf-8", "ignore")[:170].decode("utf-8", "ignore")
    name = f".{shown}.fluxsecrets-{machine_tag()}-{os.getpid()}-{os.urandom(4).hex()}.tmp"
    return Path(folder, name)
