"""Locks of the operating system: they end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError

from . import system
from .reading import translated


@contextmanager
def exclusive(path: Path, *, seconds: float = 10.0, keep: bool = True) -> Iterator[None]:
    """Keep other runs out while this one changes something; the lock ends with the process, however it ends.

    It is a lock of the operating system on a file of its own.

    Args:
        path: the lock file; its folder must exist.
        seconds: how long to wait for another run.
        keep: False removes the file at the end, where the system allows it.

    Raises:
        FileAccessError: it cannot be made, or another run holds it for too long.
    """
    end = time.monotonic() + seconds
    while True:
        with translated(path, "written"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | system.SAFE_FLAGS | system.O_NOFOLLOW, 0o600)
        try:
            # A lock on a file that was removed in between locks nobody out: others lock its successor.
            if try_lock(descriptor) and is_named(descriptor, path):
                try:
                    yield
                finally:
                    if not keep:
                        with suppress(OSError):
                            path.unlink()
                return
        finally:
            os.close(descriptor)
        if time.monotonic() > end:
            raise FileAccessError(
                "another run holds this lock", hint="wait for it to end, and try again", path=str(path)
            )
        time.sleep(0.02)


def is_named(descriptor: int, path: Path) -> bool:
    """Whether an open file still has this name: a lock on one that was replaced locks nobody out."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file, unless another has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True
