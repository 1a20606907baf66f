"""Folders for plain text that only this user can enter, in memory where the system offers that.

A run deletes its folder when it ends, unless it is killed. So each run holds a lock of the operating system
on its folder, which ends with the process, and the next run deletes the folders that are not locked. A
process number would not do: numbers are used again, and mean nothing in another container.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError

from . import system
from .locks import is_named, try_lock
from .reading import access_error, translated
from .writing import RAMFS, TMPFS, file_system

_PREFIX = "fluxsecrets-"
_NAME = re.compile(re.escape(_PREFIX) + r"[0-9a-f]{32}")
_FOLDER_FLAGS: int = (
    os.O_RDONLY | system.SAFE_FLAGS | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
)
_ATTEMPTS = 10

Warn = Callable[[str], None]


@contextmanager
def private_directory(warn: Warn | None = None) -> Iterator[Path]:
    """A folder for plain text that only this user can enter, deleted with its contents at the end.

    It is in memory where the system offers that (`$XDG_RUNTIME_DIR` or `/dev/shm` on Linux, if they
    are tmpfs), else in the usual place for temporary files. What killed runs left is deleted first.

    Args:
        warn: is told what a killed run left, in one sentence.

    Raises:
        FileAccessError: it could not be made, or not be deleted; the message then says where it is.
    """
    import shutil  # few commands need these two
    import tempfile

    left = remove_dead_folders()
    if left and warn is not None:
        names = ", ".join(str(folder) for folder in left)
        warn(f"plain text of a run that was killed was still there, and is deleted: {names}")
    base = Path(_memory_folder() or tempfile.gettempdir())
    try:
        folder, lock = _make(base)
    except OSError as error:
        raise access_error(error, base, "written") from error
    try:
        yield folder
    finally:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise FileAccessError(
                "could not be deleted and may hold plain text",
                hint="delete this folder yourself",
                path=str(folder),
            ) from error
        finally:
            if lock is not None:
                os.close(lock)


def remove_dead_folders() -> tuple[Path, ...]:
    """Delete this user's private folders whose run is gone.

    A folder goes where its name has our form, it is this user's alone, not a link, and nobody holds its lock.
    On Windows, where folders have no locks, none does.

    Returns:
        What was deleted. Folders that can't be examined or deleted are skipped.
    """
    if system.WINDOWS:
        return ()
    import tempfile

    places = dict.fromkeys((os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm", tempfile.gettempdir()))  # noqa: S108
    removed: list[Path] = []
    for place in places:
        if place and os.path.isabs(place):  # noqa: PTH117
            with suppress(OSError):
                names = [name for name in os.listdir(place) if _NAME.fullmatch(name)]  # noqa: PTH208
                removed += [folder for name in names if _remove_dead(folder := Path(place, name))]
    return tuple(removed)


def _remove_dead(folder: Path) -> bool:
    import shutil

    try:
        lock = os.open(folder, _FOLDER_FLAGS)
    except OSError:
        return False
    try:
        status = os.fstat(lock)
        ours = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if not (ours and try_lock(lock) and is_named(lock, folder)):
            return False
        # Python's own way through folders does not follow links that somebody puts there meanwhile.
        if not shutil.rmtree.avoids_symlink_attacks:
            return False
        shutil.rmtree(folder)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _make(base: Path) -> tuple[Path, int | None]:
    """Make a folder, and hold its lock; another run that took it for a dead one's has it deleted."""
    for _ in range(_ATTEMPTS):
        folder = base / f"{_PREFIX}{os.urandom(16).hex()}"
        folder.mkdir(mode=0o700)
        if system.WINDOWS:
            return folder, None
        try:
            lock = os.open(folder, _FOLDER_FLAGS)
        except FileNotFoundError:
            continue
        try:
            if try_lock(lock) and is_named(lock, folder):
                return folder, lock
        except OSError:  # a file system without locks: others can't have one either
            return folder, lock
        os.close(lock)
    raise FileNotFoundError(2, os.strerror(2), str(base))


def _memory_folder() -> str | None:
    if not system.LINUX:
        return None
    for folder in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):  # noqa: S108 - the folder made in it is private
        if folder and Path(folder).is_absolute() and os.access(folder, os.W_OK | os.X_OK):
            with suppress(OSError, ImportError, AttributeError):
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
