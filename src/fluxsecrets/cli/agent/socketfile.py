"""The agent's socket: made for its user alone, by one agent at a time."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.files import system
from fluxsecrets.files.locks import try_lock
from fluxsecrets.files.private import make_private_folders
from fluxsecrets.files.reading import translated

from .place import folder_of, runtime_of, socket_in

_LONGEST = 103 if sys.platform == "darwin" else 107
"""Bytes of a socket's path, as the system has them."""

_BACKLOG = 128


def agent_folder() -> Path:
    """Return the folder of the socket; it need not exist.

    Raises:
        FileAccessError: there is no place for it, or its name is too long. A runtime folder that does not
            exist is not made: only who makes it for a session knows where it goes in the end.
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
    runtime = runtime_of(os.environb)
    if runtime is not None and not os.path.isdir(runtime):  # noqa: PTH112 - bytes
        raise FileAccessError(
            "XDG_RUNTIME_DIR names it, and it is not a folder that exists",
            hint="set XDG_RUNTIME_DIR to the runtime folder of your session, or unset it",
            path=os.fsdecode(runtime),
        )
    return Path(os.fsdecode(folder))


class AgentRunsError(UsageError):
    """An agent runs, or is about to, or has not ended yet."""


class Place(NamedTuple):
    """Where the agent listens.

    Attributes:
        listener: the socket.
        lock: descriptor of the folder, which holds the lock. A process that is forked closes it: it may
            live longer than the agent, and must not keep the next one out.
        number: of the socket's file, see `is_there`.
    """

    listener: socket.socket
    lock: int
    number: int

    def is_there(self) -> bool:
        """Return whether clients can find the socket; not after somebody removed it, or its folder."""
        try:
            found = os.lstat(self.listener.getsockname())
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # of a network's file system, which may be well again
            return True
        return found.st_ino == self.number and stat.S_ISSOCK(found.st_mode)


@contextmanager
def listening(folder: Path) -> Iterator[Place]:
    """Listen on the socket until the block ends; then it is removed.

    Args:
        folder: see `agent_folder`; it is made if it does not exist.

    Raises:
        FileAccessError: the folder is not a private one of this user, or nothing can be made in it.
        AgentRunsError: an agent has the lock.
    """
    make_private_folders(folder)
    with translated(folder, "written"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | system.O_NOFOLLOW | system.SAFE_FLAGS)
    try:
        _require_private(folder, os.fstat(descriptor))
        # The lock ends with the agent, however it ends. So a socket that is there now is a dead one's.
        if not try_lock(descriptor):
            raise AgentRunsError("an agent runs", hint="`fluxsecrets agent status` shows it")
        path = Path(os.fsdecode(socket_in(os.fsencode(folder))))
        with translated(path, "written"):
            _remove_stale(path)
            listener = _bound(path)
        with listener:
            try:
                yield Place(listener, descriptor, path.lstat().st_ino)
            finally:
                # Of the folder with the lock: another one may have taken its name, with an agent of its own.
                with suppress(OSError):
                    os.unlink(path.name, dir_fd=descriptor)
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
