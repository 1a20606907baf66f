"""A named pipe that hands out a content: the command reads a path, and nothing is on disk."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files.reasons import reason_of

FIFO_MODE = 0o600
_PATIENCE = 2.0  # seconds; only a process that the command left behind can still be reading then


def has_fifos() -> bool:
    """Whether the system has named pipes; Windows has none with a path in a folder."""
    return hasattr(os, "mkfifo")


@contextmanager
def served(path: Path, data: bytes, owner: int | None = None) -> Iterator[None]:
    """Give a content to every process that opens a path for reading, each time from its start.

    sops serves one reader only, and a program that opens the file a second time waits forever. The path's
    folder must be private. `owner` is the user id of the reader, or None for the current user.

    Raises:
        FileAccessError: the pipe cannot be made.
    """
    try:
        _make(path, owner)
    except OSError as error:
        raise FileAccessError(
            f"a named pipe cannot be made: {reason_of(error).text}", path=str(path), hint="add --no-fifo"
        ) from None
    ended = Event()
    server = Thread(target=_serve, args=(path, data, owner, ended), daemon=True)
    server.start()
    try:
        yield
    finally:
        ended.set()
        _release(server, path)


def _make(path: Path, owner: int | None) -> None:
    os.mkfifo(path, FIFO_MODE)
    if owner is not None:
        os.chown(path, owner, -1)


def _serve(path: Path, data: bytes, owner: int | None, ended: Event) -> None:
    # Signals are for the main thread: it would not wake up for one that was delivered here.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    following = path.with_name(f"{path.name}.next")
    with suppress(OSError):  # the folder is gone: nobody can open the pipe any more
        while True:
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)  # waits for a reader
            try:
                if ended.is_set():
                    return
                # The next reader gets a pipe of its own, or two of them would share one content.
                _make(following, owner)
                following.rename(path)
                _write(descriptor, data)
            finally:
                os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    with suppress(BrokenPipeError):  # the reader has seen enough
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _release(server: Thread, path: Path) -> None:
    """End the server, which waits in the middle of opening the pipe."""
    end = time.monotonic() + _PATIENCE
    while server.is_alive() and time.monotonic() < end:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return  # the command deleted it; the thread ends with the process
        server.join(0.05)
        os.close(descriptor)
