"""A folder of files that is made as a whole: in place in a private folder, or beside its name and renamed.

Nothing here is synced to the disk: what is in such a folder can be made again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.errors import FileAccessError

from . import system
from .deadfolders import remove_dead_folders
from .private import make_locked, remove_locked
from .reading import translated
from .undisturbed import undisturbed

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.SAFE_FLAGS | system.O_NOFOLLOW


class Room(NamedTuple):
    """What a file system can still take; None where it doesn't tell."""

    size: int | None
    files: int | None

    def takes(self, size: int, files: int) -> bool:
        """Whether so many bytes in so many files fit."""
        return (self.size is None or size <= self.size) and (self.files is None or files <= self.files)


def room_in(folder: Path) -> Room:
    """Return what the file system of a folder can still take."""
    if not hasattr(os, "statvfs"):
        with suppress(OSError):
            return Room(shutil.disk_usage(folder).free, None)
        return Room(None, None)
    try:
        status = os.statvfs(folder)
    except OSError:
        return Room(None, None)
    # Some file systems make inodes as they need them, and say 0.
    return Room(status.f_bavail * status.f_frsize, status.f_favail if status.f_files else None)


@dataclass(frozen=True, slots=True)
class NewFolder:
    """Writes files into a folder that nobody else uses yet.

    Attributes:
        root: the folder.
        private: only this user may read what is in it; otherwise the umask decides.
    """

    root: Path
    private: bool = True
    _folders: set[str] = field(default_factory=lambda: {""}, repr=False)

    def write(self, path: str, data: bytes, *, executable: bool = False) -> None:
        """Write a new file.

        Args:
            path: relative to the root with `/`, inside of it.
            data: its content.
            executable: it is a program.

        Raises:
            FileAccessError: it exists, or can't be written.
        """
        target = self._target(path)
        with translated(Path(target), "written"):
            descriptor = os.open(target, _NEW, self._mode(executable=executable))
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            finally:
                os.close(descriptor)

    def copy(self, path: str, source: Path, *, executable: bool = False) -> None:
        """Copy a file that is too large to be held in memory; a link is not followed.

        Raises:
            FileAccessError: it can't be read or written.
        """
        target = self._target(path)
        flags = os.O_RDONLY | system.SAFE_FLAGS | system.O_NOFOLLOW
        with (
            translated(Path(target), "written"),
            os.fdopen(os.open(source, flags), "rb") as old,
            os.fdopen(os.open(target, _NEW, self._mode(executable=executable)), "wb") as new,
        ):
            shutil.copyfileobj(old, new)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link.

        Raises:
            FileAccessError: it can't be made.
        """
        place = self._target(path)
        with translated(Path(place), "written"):
            os.symlink(target, place)  # noqa: PTH211 - the text is written as it is

    def leads_out(self, path: str) -> bool:
        """Whether a link leads out of the folder, through whatever other links; one in a circle does, too."""
        root = os.path.realpath(self.root)
        try:
            place = os.path.realpath(self.root / path)
        except OSError:
            return True
        return os.path.islink(place) or not (place == root or place.startswith(root + os.sep))  # noqa: PTH114

    def unlink(self, path: str) -> None:
        """Remove a link again."""
        with translated(self.root / path, "written"):
            (self.root / path).unlink()

    def _mode(self, *, executable: bool) -> int:
        if self.private:
            return 0o700 if executable else 0o600
        return 0o777 if executable else 0o666

    def _target(self, path: str) -> str:
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            with translated(self.root / folder, "written"):
                self._make(folder)
        return f"{self.root}/{path}"

    def _make(self, folder: str) -> None:
        missing: list[str] = []
        # A loop, since git takes folders that are nested deeper than Python's stack.
        while folder not in self._folders:
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        for each in reversed(missing):
            os.mkdir(f"{self.root}/{each}", 0o700 if self.private else 0o777)  # noqa: PTH102 - 20,000 of them
            self._folders.add(each)


@contextmanager
def new_folder(path: Path, *, private: bool) -> Iterator[NewFolder]:
    """Make a folder that has its name only when all of it is there.

    Args:
        path: must not exist, or be an empty folder. The folder above it must exist.
        private: see `NewFolder`.

    Raises:
        FileAccessError: it exists with something in it, or can't be written; nothing is left behind.
    """
    refuse_filled(path)
    parent = path.absolute().parent
    remove_dead_folders((str(parent),))  # of runs that were killed before they were done
    with translated(path, "written"):
        made, lock = make_locked(parent)
    named = False
    try:
        yield NewFolder(made, private)
        with translated(path, "written"), undisturbed():
            if not private:
                made.chmod(0o777 & ~_umask())
            if system.WINDOWS and path.is_dir():
                path.rmdir()  # Windows replaces no folder
            made.rename(path)
            named = True
    finally:
        with undisturbed():
            if not named:
                remove_locked(made, lock)
            elif lock is not None:
                os.close(lock)


def refuse_filled(path: Path) -> None:
    """Refuse a place for a new folder where something is.

    Raises:
        FileAccessError: there is a file, a link, or a folder that is not empty; or no folder above it.
    """
    shown = str(path)
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise FileAccessError("exists, and is not a folder", path=shown, hint="name a folder that is new")
    if path.is_dir() and next(path.iterdir(), None) is not None:
        raise FileAccessError(
            "this folder is not empty", path=shown, hint="name a folder that is new, or delete this one first"
        )
    if not path.absolute().parent.is_dir():
        raise FileAccessError("the folder above it does not exist", path=shown, hint="make it first")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
