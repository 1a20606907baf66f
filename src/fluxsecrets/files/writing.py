"""Atomic writes: the old file stays whole until the new one is complete and on disk.

A temporary file in the same folder takes the content, is synced, and is renamed over the old one. One sync
serves many files where that is as safe. A crash can leave a file that matches `LEFTOVER_GLOB`;
`remove_leftovers` deletes it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files import system

from .processes import is_running, machine_tag
from .reading import FileContent, changed_error, translated
from .swap import APPEARED, NO_LINK, check_expected, claim, swap_in

# One syncfs stands in for this many fsyncs; below it the cost of the other files on the disk is not worth it.
SYNCFS_FROM = 16

TMPFS, RAMFS = 0x01021994, 0x858458F6

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


def sync_folders(replaced: dict[int, Path], disks: tuple[int, ...]) -> dict[int, FileAccessError]:
    """Make the renames of a batch durable; what the disk does not confirm is in the result."""
    folders: dict[Path, list[int]] = {}
    for index, path in replaced.items():
        folders.setdefault(path.parent, []).append(index)
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
def open_disks(folders: Iterable[Path], count: int) -> Iterator[tuple[int, ...]]:
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
            except (OSError, ImportError, AttributeError):
                # AttributeError: a C library without syncfs. ImportError: a Python without ctypes.
                _close_all(disks)
        yield tuple(disks.values())
    finally:
        _close_all(disks)


def _open_disk(disks: dict[int, int], folder: Path) -> None:
    try:
        device = folder.stat().st_dev
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
    import ctypes  # costs milliseconds that one-file commands need not pay

    library = ctypes.CDLL(None, use_errno=True)
    return all(library.syncfs(descriptor) == 0 for descriptor in disks)


def file_system(descriptor: int) -> int:
    """The magic number of the file system, as statfs(2) lists them; Linux only."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    status = ctypes.create_string_buffer(512)  # struct statfs has about 120 bytes, f_type is its first word
    if library.fstatfs(descriptor, status) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int.from_bytes(status.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder)


LEFTOVER_GLOB = ".*.fluxsecrets-*.tmp"
"""Names of temporary files; never secrets to be encrypted, and nothing to commit."""

_LEFTOVER = r"(?s)\..*\.fluxsecrets-([0-9a-f]{8})-([0-9]+)-[0-9a-f]{8}\.tmp"
_STALE_AFTER = 3600  # seconds; a temporary file is in use for the time of one batch


def remove_leftovers(folder: Path) -> tuple[Path, ...]:
    """Delete temporary files in a folder that an earlier, killed run left; not in folders below it.

    A file is deleted if its process ran on this machine (and in this container) and is gone, or if it is
    older than an hour: no run needs one for that long, and a run that did would fail without harm.

    Args:
        folder: a folder that is about to be written to, or was.

    Returns:
        What was deleted. Files that can't be examined or deleted are skipped.
    """
    removed: list[Path] = []
    try:
        paths = list(folder.iterdir())
    except OSError:
        return ()
    for path in paths:
        match = re.fullmatch(_LEFTOVER, path.name)
        if match is None:
            continue
        with suppress(OSError):
            status = path.lstat()
            mine = match[1] == machine_tag()
            gone = mine and not is_running(int(match[2]))
            if stat.S_ISREG(status.st_mode) and (gone or time.time() - status.st_mtime > _STALE_AFTER):
                path.unlink()
                removed.append(path)
    return tuple(removed)


def temporary_path(path: Path) -> Path:
    """A fresh name beside a file, which tells `remove_leftovers` who made it."""
    # Names have at most 255 bytes; what is added takes up to 50.
    shown = path.name.encode("utf-8", "ignore")[:200].decode("utf-8", "ignore")
    name = f".{shown}.fluxsecrets-{machine_tag()}-{os.getpid()}-{os.urandom(4).hex()}.tmp"
    return path.parent / name


def discard(path: Path) -> None:
    """Delete a temporary file; one that is already gone is fine."""
    with suppress(OSError, ValueError):  # ValueError: a null character
        path.unlink()


NEW_FILE_MODE = 0o600

# What open(O_TMPFILE) answers where a file system or kernel can't do it.
_NO_UNNAMED = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS})

# Replaced files that are held open at a time, of the 256 descriptors that a process may have at the least.
_MOST_HELD = 64
_CLOSERS = 8
_HOLD: int = getattr(os, "O_PATH", os.O_RDONLY)

_ACL = "system.posix_acl_access"

Sync = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """One file of a batch; the fields are the arguments of `write_atomic`.

    Attributes:
        new: nothing may have the name yet.
    """

    path: Path
    data: bytes = field(repr=False)
    mode: int | None = None
    expected: FileContent | None = None
    new: bool = False


class WriteResult(NamedTuple):
    """What became of one file of a batch.

    Attributes:
        error: None where it was written, else why not.
        replaced: the new content stands there. True with an error means that the disk did not
            confirm the rename: after a power cut the old or the new file is there, both complete.
    """

    path: Path
    error: FileAccessError | None = None
    replaced: bool = True

    @property
    def written(self) -> bool:
        """The new content stands there, and is safe on disk."""
        return self.error is None


def write_atomic(
    path: Path, data: bytes, *, mode: int | None = None, expected: FileContent | None = None
) -> None:
    """Put new content into a file, or leave it as it was.

    The old file's mode, owner, group, ACL and user attributes are kept where the system allows it. Where the
    group or ACL can't be kept, the group gets no more permissions than others have. Hard links are broken.

    Args:
        path: the file; its folder must exist. A link is refused, see `resolve_inside`.
        data: the whole new content.
        mode: permission bits; None keeps the old file's, and is 0o600 for a new one.
        expected: what was read before; the file must still be in that state. That is judged when it is
            replaced, so that nothing is lost that another program saves at that moment, see `swap`.

    Raises:
        FileAccessError: it could not be written; the old file is intact and nothing is left behind.
            Only where the message says that the file was replaced it was; the disk did not confirm it then.
    """
    write = PendingWrite(path, data, mode, expected)
    temp = temporary_path(path)
    with translated(path, "written"):
        try:
            old = check_expected(path, expected)
            if not _write_unnamed(temp, write, old):
                _write_named(temp, write, old, sync_descriptor)
            _swap(temp, write)
        except BaseException:
            discard(temp)
            raise
    sync_folder(path)


def write_new(path: Path, data: bytes, mode: int = NEW_FILE_MODE) -> None:
    """Create a file that must not exist yet; it appears with its whole content or not at all.

    Raises:
        FileAccessError: it exists, in whatever kind, or it could not be written.
    """
    write = PendingWrite(path, data, mode)
    temp = temporary_path(path)
    with translated(path, "written"):
        if os.path.lexists(path):  # spares the work; the step that creates the name checks for good
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        if not _write_unnamed(path, write, None):
            try:
                _write_named(temp, write, None, sync_descriptor)
                claim(temp, path)
            finally:
                discard(temp)
    sync_folder(path)


def write_batch(writes: Sequence[PendingWrite]) -> tuple[WriteResult, ...]:
    """Write many files: all are prepared before the first is replaced.

    Unlike `write_atomic` the temporary files have names: without names each would need an open
    descriptor until it is renamed, and the usual limits are 256 to 1,024 a process. A crash between
    preparing and replacing can thus leave files for `remove_leftovers`.

    On Linux one syncfs secures the content of all (see `open_disks`), elsewhere one fsync each; then
    each folder is synced once, or many of them by another syncfs. Files are replaced in the order given;
    the space of the old ones is given back when all are (see `_held_open`).

    Args:
        writes: each path once. Memory holds the data of all, so call it in chunks of a few hundred.

    Returns:
        One result per file, in the same order. One file's failure never stops the others.
    """
    errors: dict[int, FileAccessError] = {}
    staged: dict[int, Path] = {}
    replaced: dict[int, Path] = {}
    with open_disks({write.path.parent for write in writes}, len(writes)) as disks:
        try:
            for index, write in enumerate(writes):
                staged[index] = temporary_path(write.path)
                prepare = partial(_prepare_in_batch, staged[index], write, None if disks else os.fsync)
                _attempt(errors, index, write.path, prepare)
            for index in unconfirmed(disks, [index for index in staged if index not in errors]):
                _attempt(errors, index, writes[index].path, partial(sync_file, staged[index]))
            with _held_open(len(writes)) as hold:
                for index, write in enumerate(writes):
                    if index not in errors:
                        hold(write.path)
                        swap = partial(_swap, staged[index], write)
                        if _attempt(errors, index, write.path, swap):
                            del staged[index]
                            replaced[index] = write.path
        finally:
            for temp in staged.values():
                discard(temp)
        errors.update(sync_folders(replaced, disks))
    return tuple(
        WriteResult(write.path, errors.get(index), index in replaced) for index, write in enumerate(writes)
    )


def _attempt(errors: dict[int, FileAccessError], index: int, path: Path, action: Callable[[], None]) -> bool:
    try:
        with translated(path, "written"):
            action()
    except FileAccessError as error:
        errors[index] = error
        return False
    return True


def _prepare_in_batch(temp: Path, write: PendingWrite, sync: Sync | None) -> None:
    _write_named(temp, write, check_expected(write.path, write.expected), sync)


def _write_unnamed(name: Path, write: PendingWrite, old: os.stat_result | None) -> bool:
    """Write and sync a file that has no name, then give it one; a kill before that leaves nothing.

    Returns:
        False where kernel or file system can't do it, and nothing was done.

    Raises:
        FileExistsError: the name is taken; it is never overwritten.
    """
    if not system.O_TMPFILE:
        return False
    try:
        descriptor = os.open(write.path.parent, system.O_TMPFILE | os.O_WRONLY | system.SAFE_FLAGS, 0o600)
    except OSError as error:
        if error.errno in _NO_UNNAMED:
            return False
        raise
    try:
        _fill(descriptor, write, old)
        sync_descriptor(descriptor)
        try:
            # linkat follows the link below /proc only if told to, and os.link only tells it so when
            # it is given a descriptor, which an absolute path makes meaningless.
            os.link(f"/proc/self/fd/{descriptor}", name, src_dir_fd=descriptor, follow_symlinks=True)
        except OSError as error:
            if error.errno in NO_LINK:
                return False
            raise
    finally:
        os.close(descriptor)
    return True


def _write_named(temp: Path, write: PendingWrite, old: os.stat_result | None, sync: Sync | None) -> None:
    descriptor = _create(temp)
    try:
        _fill(descriptor, write, old)
        if sync is not None:
            sync(descriptor)
    except BaseException:
        os.close(descriptor)
        discard(temp)  # at once: a full disk may still take the smaller ones of a batch
        raise
    os.close(descriptor)


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.SAFE_FLAGS | system.O_NOFOLLOW
    return os.open(path, flags, 0o600)


def _fill(descriptor: int, write: PendingWrite, old: os.stat_result | None) -> None:
    rest = memoryview(write.data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    wanted = write.mode
    if wanted is None:
        wanted = NEW_FILE_MODE if old is None else stat.S_IMODE(old.st_mode)
    if old is not None and not _keep_access(descriptor, write.path, old) and write.mode is None:
        # Its group bits were meant for another group, or were the mask of an ACL.
        wanted &= ~0o2070 | ((wanted & 0o007) << 3)
    if hasattr(os, "fchmod"):
        # Refused where the file system has no modes, such as FAT. Elsewhere it stays 0600.
        with suppress(PermissionError):
            os.fchmod(descriptor, wanted)


def _keep_access(descriptor: int, path: Path, old: os.stat_result) -> bool:
    """Give the new file the old one's owner, group, ACL and user attributes.

    Returns:
        False where group or ACL could not be kept.
    """
    if not hasattr(os, "fchown"):
        return True
    new = os.fstat(descriptor)
    if new.st_uid != old.st_uid:
        with suppress(OSError):  # only root may
            os.fchown(descriptor, old.st_uid, -1)
    kept = True
    if new.st_gid != old.st_gid:
        try:
            os.fchown(descriptor, -1, old.st_gid)
        except OSError:
            kept = False
    return _keep_attributes(descriptor, path) and kept


def _keep_attributes(descriptor: int, path: Path) -> bool:
    if not hasattr(os, "listxattr"):
        return True
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return True
    kept = True
    for name in names:
        # Others, such as IMA's hash, describe the old content.
        if name in (_ACL, "security.selinux") or name.startswith("user."):
            try:
                os.setxattr(descriptor, name, os.getxattr(path, name, follow_symlinks=False))
            except OSError:
                kept = kept and name != _ACL
    return kept


def _swap(temp: Path, write: PendingWrite) -> None:
    if write.new:
        try:
            claim(temp, write.path)
        except FileExistsError:
            raise changed_error(write.path, APPEARED) from None
        discard(temp)
    else:
        swap_in(temp, write.path, write.expected)


@contextmanager
def _held_open(count: int) -> Iterator[Callable[[Path], None]]:
    """Hold files that are about to be replaced, so that giving back their space is not part of the rename.

    It can take milliseconds per file where the file system tells the disk of each one (mounted with
    `discard`). At the end several threads do it at once: on such an ext4 a batch of 512 files takes 0.7 s,
    1.2 s with one close after the other, and 1.5 s if the rename gives the space back.

    Args:
        count: how many files there are; few are not worth it.
    """
    held: list[int] = []

    def hold(path: Path) -> None:
        if system.WINDOWS or count < SYNCFS_FROM:  # Windows replaces no file that is open
            return
        if len(held) == _MOST_HELD:
            _close_at_once(held)
        with suppress(OSError, ValueError):
            held.append(os.open(path, _HOLD | system.SAFE_FLAGS | system.O_NOFOLLOW))

    try:
        yield hold
    finally:
        _close_at_once(held)


def _close_at_once(descriptors: list[int]) -> None:
    from threading import Thread

    def close(part: list[int]) -> None:
        for descriptor in part:
            with suppress(OSError):
                os.close(descriptor)

    parts = [part for start in range(_CLOSERS) if (part := descriptors[start::_CLOSERS])]
    descriptors.clear()
    threads = [Thread(target=close, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
