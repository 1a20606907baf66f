"""Folders for plain text that only this user can enter, in memory where the system offers that.

A run deletes its folder when it ends, unless it is killed. So each run holds a lock on its folder, and the
next run deletes the folders that are not locked, see `deadfolders`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError

from . import system
from .deadfolders import FOLDER_FLAGS, PREFIX, temporary_folder
from .locks import is_named, try_lock
from .mounts import RAMFS, TMPFS, file_system
from .reading import access_error, translated
from .undisturbed import undisturbed

_ATTEMPTS = 10

Warn = Callable[[str], None]


@contextmanager
def private_directory(*, in_memory: bool = True) -> Iterator[Path]:
    """A folder for plain text that only this user can enter, deleted with its contents at the end.

    Args:
        in_memory: make it in memory where the system offers that (`$XDG_RUNTIME_DIR` or `/dev/shm` on Linux,
            if they are tmpfs). Otherwise it is in the usual place for temporary files.

    Raises:
        FileAccessError: it could not be made, or not be deleted; the message then says where it is.
    """
    base = Path((_memory_folder() if in_memory else None) or temporary_folder(os.environ))
    try:
        folder, lock = make_locked(base)
    except OSError as error:
        raise access_error(error, base, "written") from error
    try:
        yield folder
    finally:
        with undisturbed():
            remove_locked(folder, lock)


def make_locked(base: Path) -> tuple[Path, int | None]:
    """Make a private folder, and hold its lock; another run that took it for a dead one's has it deleted.

    Returns:
        The folder, and the descriptor that holds the lock; None on Windows.

    Raises:
        OSError: it can't be made.
    """
    for _ in range(_ATTEMPTS):
        folder = base / f"{PREFIX}{os.urandom(16).hex()}"
        folder.mkdir(mode=0o700)
        if system.WINDOWS:
            return folder, None
        try:
            lock = os.open(folder, FOLDER_FLAGS)
        except FileNotFoundError:
            continue
        try:
            if try_lock(lock) and is_named(lock, folder):
                return folder, lock
        except OSError:  # a file system without locks: others can't have one either
            return folder, lock
        os.close(lock)
    raise FileNotFoundError(2, os.strerror(2), str(base))


def remove_locked(folder: Path, lock: int | None) -> None:
    """Delete a folder of `make_locked`, and give back its lock.

    Raises:
        FileAccessError: it can't be deleted.
    """
    try:
        _delete(folder, lock)
    except OSError as error:
        raise FileAccessError(
            "could not be deleted and may hold plain text",
            hint="delete this folder yourself",
            path=str(folder),
        ) from error
    finally:
        if lock is not None:
            os.close(lock)


def _delete(folder: Path, lock: int | None) -> None:
    try:
        folder.rmdir()  # mostly it is empty
    except OSError:
        from .removal import remove_folder

        remove_folder(folder, lock)


def _memory_folder() -> str | None:
    if not system.LINUX:
        return None
    for folder in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):  # noqa: S108 - the folder made in it is private
        if folder and Path(folder).is_absolute() and os.access(folder, os.W_OK | os.X_OK):
            with suppress(OSError):
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | system.SAFE_FLAGS)
                try:
                    if file_system(descriptor) in (TMPFS, RAMFS):
                        return folder
                finally:
                    os.close(descriptor)
    return None


def make_private_folders(folder: Path) -> None:
    """Make a folder and any missing ones above it, for this user alone.

    Raises:
        FileAccessError: it cannot be made.
    """
    with translated(folder, "written"):
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
