"""The one place where file contents are read and written: bounded, atomic, no surprises with links.

Writing never touches the old file before the new one is complete and on disk: a temporary file in the
same folder takes the content, is synced, and is renamed over the old one. What a crash may leave behind
is a file that matches `LEFTOVER_GLOB`; `remove_leftovers` deletes it.

Paths are opened as they are given. Whoever works in a repository passes them through `resolve_inside`
first and uses its answer from then on.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

from .errors import FileAccessError, LimitError

LEFTOVER_GLOB = ".*.fluxsecrets-*.tmp"
"""Names of temporary files; never secrets to be encrypted, and nothing to commit."""

NEW_FILE_MODE = 0o600

_LEFTOVER = r"(?s)\..*\.fluxsecrets-([0-9a-f]{8})-([0-9]+)-[0-9a-f]{8}\.tmp"
_STALE_AFTER = 3600  # seconds; a temporary file is in use for the time of one batch

_LINUX: bool = sys.platform == "linux"
_WINDOWS: bool = os.name == "nt"
_O_TMPFILE: int = getattr(os, "O_TMPFILE", 0)
_SAFE_FLAGS: int = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
)
_O_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)

# What open(O_TMPFILE) and linking its result answer where a file system or kernel can't do it.
_NO_UNNAMED = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS})
_NO_LINK = _NO_UNNAMED | {errno.ENOENT, errno.EPERM, errno.EACCES, errno.EXDEV, errno.EMLINK}

# A folder can't be synced on every file system, and one without read permission can't be opened.
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.EBADF, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM})

# One syncfs stands in for this many fsyncs; below it the cost of the other files on the disk is not worth it.
_SYNCFS_FROM = 16
# Replaced files that are held open at a time, of the 256 descriptors that a process may have at the least.
_MOST_HELD = 64
_CLOSERS = 8
_HOLD: int = getattr(os, "O_PATH", os.O_RDONLY)
_TMPFS, _RAMFS = 0x01021994, 0x858458F6
# Local file systems whose syncfs writes and reports all that fsync does: ext, XFS, Btrfs, F2FS, tmpfs.
# Not among them: overlay (errors of the lower layer get lost), FUSE (may not tell its server), NFS.
_SYNCFS_TRUSTED = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, _TMPFS})

_ACL = "system.posix_acl_access"

_Doing = Literal["read", "written"]
_Sync = Callable[[int], None]


# --- what goes in and out ------------------------------------------------------------------------------


class FileIdentity(NamedTuple):
    """What tells one state of a file from another without reading it.

    Attributes:
        device, inode: which file; the device is 0 on Windows.
        mtime_ns: last change of the content, in nanoseconds, as exact as the file system is.
        size: bytes.
    """

    device: int
    inode: int
    mtime_ns: int
    size: int


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it was read.

    Attributes:
        path: as it was asked for.
        data: the whole content; not in the repr, it may be plain text.
        identity: the state that was read; `write_atomic` compares it.
        mode: permission bits, such as 0o640.
    """

    path: Path
    data: bytes = field(repr=False)
    identity: FileIdentity
    mode: int


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """One file of a batch; the fields are the arguments of `write_atomic`."""

    path: Path
    data: bytes = field(repr=False)
    mode: int | None = None
    expected: FileContent | None = None


class WriteResult(NamedTuple):
    """What became of one file of a batch.

    Attributes:
        path: the file.
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


# --- links ---------------------------------------------------------------------------------------------


def resolve_inside(path: Path, root: Path) -> Path:
    """The real file behind a path, which must be inside of a root.

    The file need not exist. A link that stays inside resolves to its target, so that writing changes
    the target and the link stays.

    Args:
        path: absolute, or relative to the working directory.
        root: the repository's top folder.

    Raises:
        FileAccessError: the real file is outside of the root, or the links go round in circles.
    """
    try:
        real, real_root = path.resolve(), root.resolve()
    except ValueError:  # a null character
        raise FileAccessError("is not a valid path", path=str(path)) from None
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, up to Python 3.12
        raise FileAccessError(
            "is a link that leads back to itself", hint="remove the link or correct it", path=str(path)
        ) from None
    if real.is_relative_to(real_root) or any(_same_folder(parent, real_root) for parent in real.parents):
        return real
    if Path(os.path.normpath(Path.cwd() / path)).is_relative_to(Path(os.path.normpath(Path.cwd() / root))):
        message = "is a link that leaves the repository, or lies behind one"
        hint = "links are followed inside the repository only; name the file it points to, or copy it here"
    else:
        message = "is outside of the repository"
        hint = f"name a file below {root}"
    raise FileAccessError(message, hint=hint, path=str(path))


def _same_folder(first: Path, second: Path) -> bool:
    # Spelled differently, yet the same: on file systems that ignore case.
    try:
        return first.samefile(second)
    except OSError:
        return False


# --- reading -------------------------------------------------------------------------------------------


def read_file(path: Path, *, limit: int, follow_links: bool = False) -> FileContent:
    """Read a whole regular file.

    Args:
        path: the file; a repository's file went through `resolve_inside` before.
        limit: most bytes to read.
        follow_links: False refuses a path whose last part is a link, which after `resolve_inside`
            means that somebody put it there since. True suits files such as a user's key file.

    Raises:
        LimitError: more than `limit` bytes; also where the file grows while it is read.
        FileAccessError: missing, a folder, a FIFO or device, not permitted, or changed meanwhile.
    """
    with _translated(path, "read"):
        before = path.stat() if follow_links else path.lstat()
        _require_regular(path, before, "read")  # before opening it: that alone can disturb a device
        descriptor = os.open(path, os.O_RDONLY | _SAFE_FLAGS | (0 if follow_links else _O_NOFOLLOW))
        try:
            opened = os.fstat(descriptor)
            _require_regular(path, opened, "read")
            if opened.st_size > limit:
                raise _too_large(path, opened.st_size, limit)
            data = _read_up_to(descriptor, limit + 1, opened.st_size)
            if len(data) > limit:
                raise _too_large(path, max(len(data), os.fstat(descriptor).st_size), limit)
            if _identity(os.fstat(descriptor)) != _identity(opened):
                raise _changed(path, "was changed while it was being read")
        finally:
            os.close(descriptor)
    return FileContent(path, data, _identity(opened), stat.S_IMODE(opened.st_mode))


def _read_up_to(descriptor: int, most: int, likely: int) -> bytes:
    chunks: list[bytes] = []
    left = most
    while left > 0:
        # One byte more than the size says, so that the end is mostly seen with the second call.
        chunk = os.read(descriptor, min(left, max(likely + 1, 65536)))
        if not chunk:
            break
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _identity(status: os.stat_result) -> FileIdentity:
    # On Windows fstat and lstat may name the volume differently; the rest tells enough there.
    device = 0 if _WINDOWS else status.st_dev
    return FileIdentity(device, status.st_ino, status.st_mtime_ns, status.st_size)


def _require_regular(path: Path, status: os.stat_result, doing: _Doing) -> None:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        what, hint = "it is a folder", "name a file in it"
    elif stat.S_ISLNK(mode):
        what, hint = "it is a link", "name the file that it points to"
    else:
        what, hint = "it is not a regular file", "devices, pipes and sockets are not used; name a file"
    raise FileAccessError(f"cannot be {doing}: {what}", hint=hint, path=str(path))


def _too_large(path: Path, size: int, limit: int) -> LimitError:
    # The size is rounded up, so that one byte too many never reads "16 MiB, more than 16 MiB".
    tenths = -(-size * 10 // 2**20)
    return LimitError(
        f"is too large: {tenths / 10:.1f} MiB, the limit is {limit / 2**20:.4g} MiB",
        hint="split the file, or leave it out; Flux itself refuses encrypted files over 5 MiB",
        path=str(path),
    )


def _changed(path: Path, what: str) -> FileAccessError:
    return FileAccessError(what, hint="nothing was written; run the same command again", path=str(path))


# --- writing -------------------------------------------------------------------------------------------


def write_atomic(
    path: Path, data: bytes, *, mode: int | None = None, expected: FileContent | None = None
) -> None:
    """Put new content into a file, or leave it as it was.

    The old file's mode, owner, group, ACL and user attributes are kept as far as the system allows;
    where the group or ACL can't be, the group gets no more than others have. Hard links are parted.

    Args:
        path: the file; its folder must exist. A link is refused, see `resolve_inside`.
        data: the whole new content.
        mode: permission bits; None keeps the old file's, and is 0o600 for a new one.
        expected: what was read before; the file must still be in that state.

    Raises:
        FileAccessError: it could not be written; the old file is intact and nothing is left behind.
            Only where the message says that the file was replaced it was; the disk did then not confirm it.
    """
    write = PendingWrite(path, data, mode, expected)
    temp = _temp_path(path)
    with _translated(path, "written"):
        try:
            old = _check_target(write)
            if not _write_unnamed(temp, write, old):
                _write_named(temp, write, old, _sync_descriptor)
            _swap(temp, write)
        except BaseException:
            _discard(temp)
            raise
    _sync_folder(path)


def write_new(path: Path, data: bytes, mode: int = NEW_FILE_MODE) -> None:
    """Create a file that must not exist yet; it appears with its whole content or not at all.

    Raises:
        FileAccessError: it exists, in whatever kind, or it could not be written.
    """
    write = PendingWrite(path, data, mode)
    temp = _temp_path(path)
    with _translated(path, "written"):
        if os.path.lexists(path):  # spares the work; the step that creates the name checks for good
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        if not _write_unnamed(path, write, None):
            try:
                _write_named(temp, write, None, _sync_descriptor)
                _claim(temp, path)
            finally:
                _discard(temp)
    _sync_folder(path)


def write_batch(writes: Sequence[PendingWrite]) -> tuple[WriteResult, ...]:
    """Write many files: all are prepared before the first is replaced.

    Unlike `write_atomic` the temporary files have names: without names each would need an open
    descriptor until it is renamed, and the usual limits are 256 to 1,024 a process. A crash between
    preparing and replacing can thus leave files for `remove_leftovers`.

    On Linux one syncfs secures the content of all (see `_open_disks`), elsewhere one fsync each; then
    each folder is synced once, or many of them by another syncfs. Files are replaced in the order given;
    the space of the old ones is given back when all are (see `_held_open`).

    Args:
        writes: each path once. Memory holds the data of all, so call it in chunks of a few hundred.

    Returns:
        One result a file, in the same order. One file's failure never stops the others.
    """
    errors: dict[int, FileAccessError] = {}
    staged: dict[int, Path] = {}
    replaced: dict[int, Path] = {}
    with _open_disks({write.path.parent for write in writes}, len(writes)) as disks:
        try:
            for index, write in enumerate(writes):
                staged[index] = _temp_path(write.path)
                prepare = partial(_prepare_in_batch, staged[index], write, None if disks else os.fsync)
                _attempt(errors, index, write.path, prepare)
            for index in _unconfirmed(disks, [index for index in staged if index not in errors]):
                _attempt(errors, index, writes[index].path, partial(_sync_file, staged[index]))
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
                _discard(temp)
        errors.update(_sync_folders(replaced, disks))
    return tuple(
        WriteResult(write.path, errors.get(index), index in replaced) for index, write in enumerate(writes)
    )


def _attempt(errors: dict[int, FileAccessError], index: int, path: Path, action: Callable[[], None]) -> bool:
    try:
        with _translated(path, "written"):
            action()
    except FileAccessError as error:
        errors[index] = error
        return False
    return True


def _unconfirmed(disks: tuple[int, ...], indexes: list[int]) -> list[int]:
    """Sync prepared files, and say which of them still need a sync of their own."""
    if disks:
        return [] if _sync_disks(disks) else indexes
    # macOS: each has been handed to the drive, and one full sync empties the drive's cache.
    return indexes[-1:] if _full_sync() is not None else []


def _prepare_in_batch(temp: Path, write: PendingWrite, sync: _Sync | None) -> None:
    _write_named(temp, write, _check_target(write), sync)


def _check_target(write: PendingWrite) -> os.stat_result | None:
    """The file that is to be replaced, None where there is none, or an error where it must not be."""
    path, expected = write.path, write.expected
    try:
        old = path.lstat()
    except FileNotFoundError:
        if expected is not None:
            raise _changed(path, "was removed while its new content was being made") from None
        return None
    _require_regular(path, old, "written")
    if expected is not None and _identity(old) != expected.identity:
        raise _changed(path, "was changed while its new content was being made")
    return old


def _write_unnamed(name: Path, write: PendingWrite, old: os.stat_result | None) -> bool:
    """Write and sync a file that has no name, then give it one; a kill before that leaves nothing.

    Returns:
        False where kernel or file system can't do it, and nothing was done.

    Raises:
        FileExistsError: the name is taken; it is never overwritten.
    """
    if not _O_TMPFILE:
        return False
    try:
        descriptor = os.open(write.path.parent, _O_TMPFILE | os.O_WRONLY | _SAFE_FLAGS, 0o600)
    except OSError as error:
        if error.errno in _NO_UNNAMED:
            return False
        raise
    try:
        _fill(descriptor, write, old)
        _sync_descriptor(descriptor)
        try:
            # linkat follows the link below /proc only if told to, and os.link only tells it so when
            # it is given a descriptor, which an absolute path makes meaningless.
            os.link(f"/proc/self/fd/{descriptor}", name, src_dir_fd=descriptor, follow_symlinks=True)
        except OSError as error:
            if error.errno in _NO_LINK:
                return False
            raise
    finally:
        os.close(descriptor)
    return True


def _write_named(temp: Path, write: PendingWrite, old: os.stat_result | None, sync: _Sync | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE_FLAGS | _O_NOFOLLOW
    descriptor = os.open(temp, flags, 0o600)
    try:
        _fill(descriptor, write, old)
        if sync is not None:
            sync(descriptor)
    except BaseException:
        os.close(descriptor)
        _discard(temp)  # at once: a full disk may still take the smaller ones of a batch
        raise
    os.close(descriptor)


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
    # Looked at again as late as can be: preparing a batch takes a while.
    _check_target(write)
    tries = 6 if _WINDOWS else 1
    for attempt in range(1, tries + 1):
        try:
            temp.replace(write.path)
        except PermissionError:
            # Windows: virus scanners and indexers hold a file open for a moment.
            if attempt == tries:
                raise
            time.sleep(0.01 * 2**attempt)
        else:
            return


@contextmanager
def _held_open(count: int) -> Iterator[Callable[[Path], None]]:
    """Holds files that are about to be replaced, so that giving back their space is no part of the rename.

    That can take milliseconds a file, namely where the file system tells the disk of each (mounted with
    `discard`, without a journal). At the end it is done for several at once.

    Args:
        count: how many files there are; few are not worth it.
    """
    held: list[int] = []

    def hold(path: Path) -> None:
        if _WINDOWS or count < _SYNCFS_FROM:  # Windows replaces no file that is open
            return
        if len(held) == _MOST_HELD:
            _close_at_once(held)
        with suppress(OSError, ValueError):
            held.append(os.open(path, _HOLD | _SAFE_FLAGS | _O_NOFOLLOW))

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


def _claim(temp: Path, path: Path) -> None:
    """Rename without overwriting.

    Raises:
        FileExistsError: the name is taken.
    """
    if _WINDOWS:
        temp.rename(path)  # does not overwrite there
        return
    try:
        os.link(temp, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
    else:
        return
    # No hard links here, such as on FAT: take the name with an empty file, then replace that.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE_FLAGS | _O_NOFOLLOW, 0o600))
    try:
        temp.replace(path)
    except BaseException:
        _discard(path)
        raise


# --- getting it onto the disk --------------------------------------------------------------------------


def _sync_descriptor(descriptor: int) -> None:
    # On macOS fsync leaves the data in the drive's own cache.
    full = _full_sync()
    if full is not None:
        with suppress(OSError):  # network drives can't; fsync is what there is
            full(descriptor)
            return
    os.fsync(descriptor)


def _full_sync() -> Callable[[int], object] | None:
    if _LINUX or _WINDOWS:
        return None
    import fcntl  # not on Windows

    command = getattr(fcntl, "F_FULLFSYNC", None)
    return None if command is None else lambda descriptor: fcntl.fcntl(descriptor, command)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | _SAFE_FLAGS | _O_NOFOLLOW)
    try:
        _sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Make the rename of a file durable.

    Raises:
        FileAccessError: the disk reports an error. The file is replaced all the same.
    """
    if _WINDOWS:
        return
    try:
        descriptor = os.open(path.parent, os.O_RDONLY | _SAFE_FLAGS)
        try:
            _sync_descriptor(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise FileAccessError(
                "was replaced, but the disk did not confirm it",
                hint="check the disk, then look at the file: the old or the new content is complete",
                path=str(path),
            ) from error


def _sync_folders(replaced: dict[int, Path], disks: tuple[int, ...]) -> dict[int, FileAccessError]:
    """Make the renames of a batch durable; what the disk does not confirm is in the result."""
    folders: dict[Path, list[int]] = {}
    for index, path in replaced.items():
        folders.setdefault(path.parent, []).append(index)
    if len(folders) >= _SYNCFS_FROM and disks and _sync_disks(disks):
        return {}
    errors: dict[int, FileAccessError] = {}
    for indexes in folders.values():
        try:
            _sync_folder(replaced[indexes[0]])
        except FileAccessError as error:
            for index in indexes:
                errors[index] = FileAccessError(error.message, hint=error.hint, path=str(replaced[index]))
    return errors


@contextmanager
def _open_disks(folders: Iterable[Path], count: int) -> Iterator[tuple[int, ...]]:
    """One descriptor for each file system where one syncfs is as safe as an fsync per file.

    They must be open before the files are written: syncfs reports the write errors since then, which
    it does from Linux 5.8 on. `os.sync` reports none, which is why it is not used.

    Yields:
        Nothing in it where any of the folders is elsewhere, or the files are few: use fsync.
    """
    disks: dict[int, int] = {}
    try:
        if count >= _SYNCFS_FROM and _LINUX and _kernel() >= (5, 8):
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
        disks[device] = os.open(folder, os.O_RDONLY | _SAFE_FLAGS)
        if _file_system(disks[device]) not in _SYNCFS_TRUSTED:
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


def _file_system(descriptor: int) -> int:
    """The magic number of the file system, as statfs(2) lists them; Linux only."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    status = ctypes.create_string_buffer(512)  # struct statfs has about 120 bytes, f_type is its first word
    if library.fstatfs(descriptor, status) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int.from_bytes(status.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder)


# --- temporary files -----------------------------------------------------------------------------------


def remove_leftovers(folder: Path) -> tuple[Path, ...]:
    """Delete temporary files in a folder that an earlier, killed run left; not in folders below it.

    A file goes when its process ran on this machine (and in this container) and is gone, or when it is
    older than an hour: no run needs one for that long, and one that still did would fail without harm.

    Args:
        folder: a folder that is about to be written to, or was.

    Returns:
        What was deleted. Files that can't be looked at or deleted are passed over.
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
            mine = match[1] == _machine_tag()
            gone = mine and not _is_running(int(match[2]))
            if stat.S_ISREG(status.st_mode) and (gone or time.time() - status.st_mtime > _STALE_AFTER):
                path.unlink()
                removed.append(path)
    return tuple(removed)


def _temp_path(path: Path) -> Path:
    # Names have at most 255 bytes; what is added takes up to 50.
    shown = path.name.encode("utf-8", "ignore")[:200].decode("utf-8", "ignore")
    name = f".{shown}.fluxsecrets-{_machine_tag()}-{os.getpid()}-{os.urandom(4).hex()}.tmp"
    return path.parent / name


@cache
def _machine_tag() -> str:
    """Tells machines and containers apart, whose process numbers mean nothing to each other."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    space = Path()
    with suppress(OSError):
        space = Path("/proc/self/ns/pid").readlink()
    return f"{zlib.crc32(f'{name} {space}'.encode()):08x}"


def _is_running(process: int) -> bool:
    if _WINDOWS:
        return True  # os.kill would end it there; the file's age decides
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _discard(path: Path) -> None:
    with suppress(OSError, ValueError):  # ValueError: a null character
        path.unlink()


# --- locks and private folders --------------------------------------------------------------------------


@contextmanager
def exclusive(path: Path, *, seconds: float = 10.0, keep: bool = True) -> Iterator[None]:
    """Keep other runs out while this one changes something; the lock ends with the process, however it ends.

    The lock is one of the system's on a file of its own.

    Args:
        path: the lock file; its folder must exist.
        seconds: how long to wait for another run.
        keep: False removes the file at the end, where the system allows it.

    Raises:
        FileAccessError: it cannot be made, or another run holds it for too long.
    """
    end = time.monotonic() + seconds
    while True:
        with _translated(path, "written"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _SAFE_FLAGS | _O_NOFOLLOW, 0o600)
        try:
            # A file that was removed in between is no lock any more: others lock the new one of its name.
            if try_lock(descriptor) and _is_named(descriptor, path):
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


def _is_named(descriptor: int, path: Path) -> bool:
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


def make_private_folders(folder: Path) -> None:
    """Make a folder and those above it as far as they are missing, for this user alone.

    Raises:
        FileAccessError: it cannot be made.
    """
    with _translated(folder, "written"):
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)


# --- errors --------------------------------------------------------------------------------------------

_REASONS: dict[int, tuple[str, str]] = {
    errno.ENOENT: ("it does not exist", "check the spelling, and that its folder exists"),
    errno.ENOTDIR: ("a part of its path is not a folder", "check the spelling"),
    errno.EISDIR: ("it is a folder", "name a file in it"),
    errno.EEXIST: ("it exists already", "remove it first, or choose another name"),
    errno.ELOOP: ("it is a link, or links lead in circles", "name the file that it points to"),
    errno.EACCES: ("permission denied", "check the owner and mode of the file and of its folder"),
    errno.EPERM: (
        "it is not permitted",
        "check owner, mode and attributes (lsattr) of the file and its folder",
    ),
    errno.EROFS: ("the file system is read-only", "mount it writable, or work on a copy elsewhere"),
    errno.ENOSPC: ("the disk is full", "free some space, then run the same command again"),
    errno.EDQUOT: ("your disk quota is used up", "free some space, then run the same command again"),
    errno.EFBIG: ("the file would be larger than allowed", "raise the limit (ulimit -f)"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter file or folder name"),
    errno.EBUSY: ("it is in use", "a file that is mounted on its own can't be replaced: mount its folder"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.EIO: ("the disk reports an error", "check the disk; the system's log says more"),
}


@contextmanager
def _translated(path: Path, doing: _Doing) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _access_error(error, path, doing) from error
    except ValueError:
        # A null character, which no file name can hold.
        raise FileAccessError(f"cannot be {doing}: the name is not valid", path=str(path)) from None


def _access_error(error: OSError, path: Path, doing: _Doing) -> FileAccessError:
    reason, hint = _REASONS.get(error.errno or 0, (error.strerror or type(error).__name__, ""))
    if doing == "written" and error.errno == errno.ENOENT:
        reason, hint = "its folder does not exist, or is no longer there", "create the folder first"
    return FileAccessError(f"cannot be {doing}: {reason}", hint=hint or None, path=str(path))
