"""The agent's socket: made for its user alone, by one agent at a time."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.files import system
from fluxsecrets.files.locks import try_lock
from fluxsecrets.files.private import make_private_folders
from fluxsecrets.files.reading import translated

from .place import folder_of, socket_in

_LONGEST = 103 if sys.platform == "darwin" else 107
"""Bytes of a socket's path, as the system has them."""

_BACKLOG = 128


def agent_folder() -> Path:
    """Return the folder of the socket; it need not exist.

    Raises:
        FileAccessError: there is no place for it, or its name is too long.
    """
    folder = folder_of(os.environb, sys.platform)
    if folder is None:
        raise FileAccessError(
            "there is no folder for the agent's socket", hint="set XDG_RUNTIME_DIR, or HOME"
        )
    if len(socket_in(folder)) > _LONGEST:
        raise FileAccessError(
            f"the path of the agent's socket has more than {_LONGEST} bytes",
            hint="set XDG_RUNTIME_DIR to a folder with a shorter name",
            path=os.fsdecode(folder),
        )
    return Path(os.fsdecode(folder))


@contextmanager
def listening(folder: Path) -> Iterator[socket.socket]:
    """Listen on the socket until the block ends; then it is removed.

    Args:
        folder: see `agent_folder`; it is made if it does not exist.

    Raises:
        FileAccessError: the folder is not a private one of this user, or nothing can be made in it.
        UsageError: an agent runs.
    """
    make_private_folders(folder)
    with translated(folder, "written"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | system.O_NOFOLLOW | system.SAFE_FLAGS)
    try:
        _require_private(folder, os.fstat(descriptor))
        # The lock ends with the agent, however it ends. So a socket that is there now is a dead one's.
        if not try_lock(descriptor):
            raise UsageError("an agent runs", hint="`fluxsecrets agent status` shows it")
        path = Path(os.fsdecode(socket_in(os.fsencode(folder))))
        with translated(path, "written"):
            _remove_stale(path)
            listener = _bound(path)
        with listener:
            try:
                yield listener
            finally:
                with suppress(OSError):
                    path.unlink()
    finally:
        os.close(descriptor)


def _require_private(folder: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise FileAccessError(
            "other users have access to the folder of the agent's socket",
            hint="remove the folder, or set XDG_RUNTIME_DIR to another one",
            path=str(folder),
        )


def _remove_stale(path: Path) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileAccessError("is not a socket", hint="remove it", path=str(path))
        path.unlink()


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(os.fsencode(path))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener
