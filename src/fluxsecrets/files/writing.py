"""Atomic writes: the old file stays whole until the new one is complete and on disk.

A temporary file takes the content, is synced, and takes the old one's place. One sync serves many files where
that is as safe. Where the system can, the temporary file has no name until it takes the old one's place, and
then one that git does not see, see `staging`: a kill at any moment leaves no plain text in a work tree.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files import system
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

from .access import NEW_FILE_MODE, give_access
from .beside import temporary_path
from .cameout import marked
from .durability import (
    SYNCFS_FROM,
    folder_of,
    open_disks,
    sync_descriptor,
    sync_file,
    sync_folder,
    sync_folders,
    unconfirmed,
)
from .reading import FileContent, changed_error, translated
from .staging import Name, staging
from .swap import APPEARED, NO_LINK, check_expected, claim, swap_in
from .undisturbed import undisturbed


def discard(path: Path) -> None:
    """Delete a temporary file; one that is already gone is fine."""
    with suppress(OSError, ValueError):  # ValueError: a null character
        path.unlink()


# What open(O_TMPFILE) answers where a file system or kernel can't do it.
_NO_UNNAMED = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS})

# Replaced files that are held open at a time, of the 256 descriptors that a process may have at the least.
# Where new contents have no name, all may be held: each new one is closed when an old one is opened.
_MOST_HELD = 64

# Descriptors that a batch leaves to others and to the replaced files above.
_SPARE_DESCRIPTORS = 192
_CLOSERS = 8
_HOLD: int = getattr(os, "O_PATH", os.O_RDONLY)

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
        note: what of its access could not be kept, in one sentence, or None.
    """

    path: Path
    error: FileAccessError | None = None
    replaced: bool = True
    note: str | None = None

    @property
    def written(self) -> bool:
        """The new content stands there, and is safe on disk."""
        return self.error is None


def write_atomic(
    path: Path, data: bytes, *, mode: int | None = None, expected: FileContent | None = None
) -> str | None:
    """Put new content into a file, or leave it as it was.

    The old file's mode, owner, group, ACL and user attributes are kept where the system allows it. Where the
    group or ACL can't be kept, the group gets no more permissions than others have. Hard links are broken.

    Args:
        path: the file; its folder must exist. A link is refused, see `resolve_inside`.
        data: the whole new content.
        mode: permission bits; None keeps the old file's, and is 0o600 for a new one.
        expected: what was read before; the file must still be in that state. That is judged when it is
            replaced, so that nothing is lost that another program saves at that moment, see `swap`.

    Returns:
        What of its access could not be kept, in one sentence for the user, or None.

    Raises:
        FileAccessError: it could not be written; the old file is intact and nothing is left behind.
            Only where the message says that the file was replaced it was; the disk did not confirm it then.
    """
    write = PendingWrite(path, data, mode, expected)
    with translated(path, "written"), staging() as name, _staged(write, name) as staged:
        _prepare(staged, sync_descriptor)
        _swap(staged)
        note = staged.note
    sync_folder(path)
    return note


def write_new(path: Path, data: bytes, mode: int = NEW_FILE_MODE) -> None:
    """Create a file that must not exist yet; it appears with its whole content or not at all.

    Raises:
        FileAccessError: it exists, in whatever kind, or it could not be written.
    """
    write = PendingWrite(path, data, mode, new=True)
    with translated(path, "written"), staging() as name, _staged(write, name) as staged:
        if os.path.lexists(path):  # spares the work; the step that creates the name checks for good
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        _prepare(staged, sync_descriptor)
        _claim(staged)
    sync_folder(path)


def write_batch(writes: Sequence[PendingWrite]) -> tuple[WriteResult, ...]:
    """Write many files: all are prepared before the first is replaced.

    On Linux one syncfs secures the content of all (see `open_disks`), elsewhere one fsync each; then
    each folder is synced once, or many of them by another syncfs. Files are replaced in the order given;
    the space of the old ones is given back when all are (see `_held_open`).

    Args:
        writes: each path once. Memory holds the data of all, so call it in chunks of a few hundred.

    Returns:
        One result per file, in the same order. One file's failure never stops the others.
    """
    errors: dict[int, FileAccessError] = {}
    replaced: dict[int, Path] = {}
    unnamed = _may_open(len(writes))
    with open_disks({folder_of(write.path) for write in writes}, len(writes)) as disks, staging() as name:
        all_staged = [_Staged(write, name, unnamed=unnamed) for write in writes]
        try:
            for index, staged in enumerate(all_staged):
                prepare = partial(_prepare, staged, None if disks else os.fsync)
                _attempt(errors, index, staged.write.path, prepare)
            for index in unconfirmed(disks, [index for index in range(len(writes)) if index not in errors]):
                _attempt(errors, index, writes[index].path, partial(_sync, all_staged[index]))
            with _held_open(len(writes), len(writes) if unnamed else _MOST_HELD) as hold:
                for index, staged in enumerate(all_staged):
                    if index not in errors:
                        hold(staged.write.path)
                        if _attempt(errors, index, staged.write.path, partial(_swap, staged)):
                            replaced[index] = staged.write.path
                    staged.drop()
        finally:
            with undisturbed():
                for staged in all_staged:
                    staged.drop()
        errors.update(sync_folders(replaced, disks))
    return tuple(
        WriteResult(write.path, errors.get(index), index in replaced, all_staged[index].note)
        for index, write in enumerate(writes)
    )


def _attempt(errors: dict[int, FileAccessError], index: int, path: Path, action: Callable[[], None]) -> bool:
    try:
        with translated(path, "written"):
            action()
    except FileAccessError as error:
        errors[index] = error
        return False
    return True


@dataclass(slots=True)
class _Staged:
    """A new content on its way: first without a name where the system can, then under a temporary one.

    Attributes:
        name: see `staging`.
        unnamed: whether a descriptor may stay open until the content has its name.
        descriptor: of a file without a name.
        temp: its temporary name.
        note: see `WriteResult`.
    """

    write: PendingWrite
    name: Name
    unnamed: bool = True
    descriptor: int | None = None
    temp: Path | None = None
    note: str | None = None

    def close(self) -> None:
        """Close it; without a name it is gone."""
        if self.descriptor is not None:
            with suppress(OSError):
                os.close(self.descriptor)
            self.descriptor = None

    def drop(self) -> None:
        """Delete what is left of it."""
        self.close()
        if self.temp is not None:
            discard(self.temp)
            self.temp = None


@contextmanager
def _staged(write: PendingWrite, name: Name) -> Iterator[_Staged]:
    staged = _Staged(write, name)
    try:
        yield staged
    finally:
        with undisturbed():
            staged.drop()


def _may_open(count: int) -> bool:
    """Whether this process may have so many more files open; the usual limits are 256 to 1,024."""
    try:
        import resource  # not on Windows
    except ImportError:
        return False
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return limit == resource.RLIM_INFINITY or count + _SPARE_DESCRIPTORS <= limit


def _prepare(staged: _Staged, sync: Sync | None) -> None:
    """Write and sync a content."""
    write = staged.write
    old = None if write.new else check_expected(write.path, write.expected)
    if not (staged.unnamed and _write_unnamed(staged, old, sync)):
        _write_named(staged, old, sync)


def _write_unnamed(staged: _Staged, old: os.stat_result | None, sync: Sync | None) -> bool:
    """Write a file that has no name; a kill leaves nothing of it.

    Returns:
        False where kernel or file system can't do it, and nothing was done.
    """
    if not system.O_TMPFILE:
        return False
    flags = system.O_TMPFILE | os.O_WRONLY | system.SAFE_FLAGS
    try:
        staged.descriptor = os.open(folder_of(staged.write.path), flags, 0o600)
    except OSError as error:
        if error.errno in _NO_UNNAMED:
            return False
        raise
    try:
        staged.note = _fill(staged.descriptor, staged.write, old)
        if sync is not None:
            sync(staged.descriptor)
    except BaseException:
        staged.drop()  # at once: a full disk may still take the smaller ones of a batch
        raise
    return True


def _write_named(staged: _Staged, old: os.stat_result | None, sync: Sync | None) -> None:
    staged.temp = staged.name(staged.write.path)
    try:
        descriptor = _create(staged.temp)
        try:
            staged.note = _fill(descriptor, staged.write, old)
            if sync is not None:
                sync(descriptor)
        finally:
            os.close(descriptor)
        staged.temp = staged.temp.rename(_marked(staged.temp, staged.write))
    except BaseException:
        staged.drop()
        raise


def _sync(staged: _Staged) -> None:
    if staged.descriptor is not None:
        sync_descriptor(staged.descriptor)
    elif staged.temp is not None:
        sync_file(staged.temp)


def _swap(staged: _Staged) -> None:
    """Let a prepared content take the place of the old file."""
    write = staged.write
    if write.new:
        try:
            _claim(staged)
        except FileExistsError:
            raise changed_error(write.path, APPEARED) from None
    elif write.expected is not None or not _takes_free_name(staged):
        _or_beside(staged, lambda: swap_in(_named(staged), write.path, write.expected))
        staged.temp = None


def _claim(staged: _Staged) -> None:
    """Give a prepared content its final name, which nothing may have yet.

    Raises:
        FileExistsError: the name is taken; it is never overwritten.
    """
    path = staged.write.path
    if staged.descriptor is None or not _link(staged.descriptor, path):
        _or_beside(staged, lambda: claim(_named(staged), path))


def _takes_free_name(staged: _Staged) -> bool:
    """Give a content its final name if nothing has it: then it needs no other one before."""
    path = staged.write.path
    if staged.descriptor is None or os.path.lexists(path):
        return False
    try:
        return _link(staged.descriptor, path)
    except FileExistsError:
        return False


def _or_beside(staged: _Staged, place: Callable[[], None]) -> None:
    """Place a content; once more from beside the file, where it can't come from another folder."""
    try:
        place()
    except OSError as error:
        # A folder can be mounted on its own, though it is on the same disk.
        if error.errno != errno.EXDEV or staged.name is temporary_path:
            raise
        staged.drop()
        staged.name = temporary_path
        _write_again(staged)
        place()


def _write_again(staged: _Staged) -> None:
    write = staged.write
    old = None if write.new else check_expected(write.path, write.expected)
    _write_named(staged, old, sync_descriptor)


def _named(staged: _Staged) -> Path:
    """The temporary name of a prepared content, which it gets now if it has none yet."""
    if staged.temp is None and staged.descriptor is not None:
        temp = _marked(staged.name(staged.write.path), staged.write)
        staged.temp = temp
        if _link(staged.descriptor, temp):
            staged.close()  # `swap` asks who has the files open for writing, and it must not be us
        else:
            staged.drop()
            _write_again(staged)
    if staged.temp is None:
        raise TypeError(staged.write.path)  # it was not prepared
    return staged.temp


def _marked(temp: Path, write: PendingWrite) -> Path:
    """A temporary name under which a killed run may leave what another program saved."""
    return temp if write.expected is None else marked(temp, write.expected, write.data)


def _link(descriptor: int, name: Path) -> bool:
    """Give a file without a name one.

    Returns:
        False where the system can't do it.

    Raises:
        FileExistsError: the name is taken; it is never overwritten.
    """
    try:
        # linkat follows the link below /proc only if told to, and os.link only tells it so when
        # it is given a descriptor, which an absolute path makes meaningless.
        os.link(f"/proc/self/fd/{descriptor}", name, src_dir_fd=descriptor, follow_symlinks=True)
    except OSError as error:
        if error.errno in NO_LINK:
            return False
        raise
    return True


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.SAFE_FLAGS | system.O_NOFOLLOW
    return os.open(path, flags, 0o600)


def _fill(descriptor: int, write: PendingWrite, old: os.stat_result | None) -> str | None:
    rest = memoryview(write.data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return give_access(descriptor, write.path, write.mode, old)


@contextmanager
def _held_open(count: int, most: int) -> Iterator[Callable[[Path], None]]:
    """Hold files that are about to be replaced, so that giving back their space is not part of the rename.

    It can take milliseconds per file where the file system tells the disk of each one (mounted with
    `discard`). At the end several threads do it at once, which lets the disk take many at a time: on such an
    ext4 closing 512 files takes 0.02 to 0.05 s, 0.1 s in parts of 64, and 0.4 to 1 s one after the other.

    Args:
        count: how many files there are; few are not worth it.
        most: how many may be held.
    """
    held: list[int] = []

    def hold(path: Path) -> None:
        if system.WINDOWS or count < SYNCFS_FROM:  # Windows replaces no file that is open
            return
        if len(held) == most:
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
