"""What was written is on the disk, or the disk says that it may not be.

One sync serves many files where that is as safe.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files import system

from .clibrary import c_function
from .mounts import TMPFS, file_system

# One syncfs stands in for this many fsyncs; below it the cost of the other files on the disk is not worth it.
SYNCFS_FROM = 16

# Local file systems whose syncfs writes and reports all that fsync does: ext, XFS, Btrfs, F2FS, tmpfs.
# Not among them: overlay (errors of the lower layer get lost), FUSE (may not tell its server), NFS.
_SYNCFS_TRUSTED = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, TMPFS})

# A folder can't be synced on every file system, and one without read permission can't be opened.
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.EBADF, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM})


def sync_descriptor(descriptor: int) -> None:
    """Put an open file's data onto the disk; on macOS fsync leaves it in the drive's own cache."""
    full = _full_sync()
    if full is not None:
        with suppress(OSError):  # network drives can't; fsync is what there is
            full(descriptor)
            return
    os.fsync(descriptor)


def _full_sync() -> Callable[[int], object] | None:
    """MacOS's way to empty the drive's cache, or None elsewhere."""
    if system.LINUX or system.WINDOWS:
        return None
    import fcntl  # not on Windows

    command = getattr(fcntl, "F_FULLFSYNC", None)
    return None if command is None else lambda descriptor: fcntl.fcntl(descriptor, command)


def unconfirmed(disks: tuple[int, ...], indexes: list[int]) -> list[int]:
    """Sync prepared files, and say which of them still need a sync of their own."""
    if disks:
        return [] if _sync_disks(disks) else indexes
    # macOS: each has been handed to the drive, and one full sync empties the drive's cache.
    return indexes[-1:] if _full_sync() is not None else []


def sync_file(path: Path) -> None:
    """Put a closed file's data onto the disk."""
    descriptor = os.open(path, os.O_RDWR | system.SAFE_FLAGS | system.O_NOFOLLOW)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make the rename of a file durable.

    Raises:
        FileAccessError: the disk reports an error. The file is replaced all the same.
    """
    if system.WINDOWS:
        return
    try:
        descriptor = os.open(path.parent, os.O_RDONLY | system.SAFE_FLAGS)
        try:
            sync_descriptor(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise FileAccessError(
                "was replaced, but the disk did not confirm it",
                hint="check the disk, then look at the file: the old or the new content is complete",
                path=str(path),
            ) from error


def folder_of(path: Path) -> str:
    """The folder of a file. Each file of a batch asks several times, so that it goes without path objects."""
    return os.path.dirname(path) or os.curdir  # noqa: PTH120


def sync_folders(replaced: dict[int, Path], disks: tuple[int, ...]) -> dict[int, FileAccessError]:
    """Make the renames of a batch durable; what the disk does not confirm is in the result."""
    folders: dict[str, list[int]] = {}
    for index, path in replaced.items():
        folders.setdefault(folder_of(path), []).append(index)
    if len(folders) >= SYNCFS_FROM and disks and _sync_disks(disks):
        return {}
    errors: dict[int, FileAccessError] = {}
    for indexes in folders.values():
        try:
            sync_folder(replaced[indexes[0]])
        except FileAccessError as error:
            for index in indexes:
                errors[index] = FileAccessError(error.message, hint=error.hint, path=str(replaced[index]))
    return errors


@contextmanager
def open_disks(folders: Iterable[str], count: int) -> Iterator[tuple[int, ...]]:
    """One descriptor for each file system where one syncfs is as safe as an fsync per file.

    They must be open before the files are written: from Linux 5.8 on, syncfs reports the write errors since
    then. `os.sync` reports none, which is why it is not used.

    Yields:
        An empty tuple if any folder is elsewhere or the files are few: use fsync.
    """
    disks: dict[int, int] = {}
    try:
        if count >= SYNCFS_FROM and system.LINUX and _kernel() >= (5, 8):
            try:
                for folder in folders:
                    _open_disk(disks, folder)
            except OSError:
                _close_all(disks)
        yield tuple(disks.values())
    finally:
        _close_all(disks)


def _open_disk(disks: dict[int, int], folder: str) -> None:
    try:
        device = os.stat(folder).st_dev  # noqa: PTH116 - as in `folder_of`
    except (OSError, ValueError):
        return  # its files will say what is wrong
    if device not in disks:
        disks[device] = os.open(folder, os.O_RDONLY | system.SAFE_FLAGS)
        if file_system(disks[device]) not in _SYNCFS_TRUSTED:
            raise OSError(errno.EOPNOTSUPP, "syncfs is not trusted here")


def _close_all(disks: dict[int, int]) -> None:
    while disks:
        os.close(disks.popitem()[1])


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])


def _sync_disks(disks: tuple[int, ...]) -> bool:
    """False where a disk reports an error, be it about our files or another program's."""
    found = c_function("syncfs")
    return found is not None and all(found[0](descriptor) == 0 for descriptor in disks)
