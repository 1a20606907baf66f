"""Replace or remove a file only if it is what was read, even if another program saves it at that moment.

To look at a file and then to rename another one over it leaves a gap. So the new file and the old one change
places in one step, and then the one that came out is judged, where no path leads to it any more. If it is not
what was expected, the two change places again. Linux and macOS have such a step; elsewhere the file is
looked at immediately before it is replaced, and what a program wrote into it meanwhile is put back.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from fluxsecrets.errors import ChangedError

from . import system
from .beside import temporary_path
from .cameout import marked, shown_name
from .clibrary import c_function
from .reading import FileContent, FileIdentity, changed_error, identity_of, require_regular
from .undisturbed import undisturbed

CHANGED = "was changed while its new content was being made"
REMOVED = "was removed while its new content was being made"
APPEARED = "exists by now, and did not when its content was being made"

# What the call answers where the file system or the kernel can't do it.
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV})

# What linking answers where a file system can't do it.
NO_LINK = frozenset(
    {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS}
    | {errno.ENOENT, errno.EPERM, errno.EACCES, errno.EXDEV, errno.EMLINK}
)

_AT_FDCWD, _RENAME_EXCHANGE, _RENAME_SWAP = -100, 2, 2
_SWAPS = 50  # of a program that saves the file again and again

Exchange = Callable[[bytes, bytes], int]


def check_expected(path: Path, expected: FileContent | None) -> os.stat_result | None:
    """Look at a file that is about to be replaced.

    Returns:
        Its status, or None if it does not exist.

    Raises:
        ChangedError: it is not in the state in which it was read.
        FileAccessError: it is not a regular file.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        if expected is not None:
            raise changed_error(path, REMOVED) from None
        return None
    require_regular(path, status, "written")
    if expected is not None and identity_of(status) != expected.identity:
        raise changed_error(path, CHANGED)
    return status


def swap_in(temp: Path, path: Path, expected: FileContent | None) -> None:
    """Give a complete file its final name. On return the temporary name is gone.

    Args:
        temp: the new file; see `marked` for its name, which another program's save may have for a moment.
        path: the final name.
        expected: what was read there; None replaces what is there, whatever it is.

    Raises:
        ChangedError: something else is there, or was saved at that moment; it is there again.
        OSError: it can't be replaced.
    """
    _look_first(path, expected)
    if expected is None:
        rename_over(temp, path)
    else:
        with undisturbed():  # what came out must not be taken for our own content
            if not _swapped(temp, path, expected):
                _replace_watched(temp, path, expected)


def take_out(path: Path, aside: Path, expected: FileContent) -> None:
    """Remove a file.

    Args:
        path: the file.
        aside: a free name in the same folder; the file has it for a moment.
        expected: what was read there.

    Raises:
        ChangedError: something else is there; it stays.
        OSError: it can't be removed.
    """
    _look_first(path, expected)
    aside = marked(aside, expected)
    with undisturbed():
        path.rename(aside)
        if _is_expected(aside, expected):
            aside.unlink()
            return
        try:
            claim(aside, path)
        except FileExistsError:  # saved once more; the newer content has the name
            pass
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()
    raise changed_error(path, CHANGED)


def _look_first(path: Path, expected: FileContent | None) -> None:
    """Touch nothing, not even for a moment, that was changed already or is being written."""
    check_expected(path, expected)
    if expected is not None and not _is_expected(path, expected):
        raise changed_error(path, CHANGED)


def claim(temp: Path, path: Path) -> None:
    """Give a file a name that nothing has yet. The old name may stay; the caller deletes it.

    Raises:
        FileExistsError: the name is taken.
    """
    if system.WINDOWS:
        temp.rename(path)  # does not overwrite there
        return
    try:
        os.link(temp, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
    else:
        return
    # No hard links here, such as on FAT: take the name with an empty file, then replace that.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.SAFE_FLAGS | system.O_NOFOLLOW
    os.close(os.open(path, flags, 0o600))
    try:
        temp.replace(path)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def rename_over(temp: Path, path: Path) -> None:
    """Rename a file over another one."""
    tries = 6 if system.WINDOWS else 1
    for attempt in range(1, tries + 1):
        try:
            temp.replace(path)
        except PermissionError:
            # Windows: virus scanners and indexers hold a file open for a moment.
            if attempt == tries:
                raise
            time.sleep(0.01 * 2**attempt)
        else:
            return


def _swapped(temp: Path, path: Path, expected: FileContent) -> bool:
    """Swap with a look at what comes out; whether the system can."""
    exchange = _exchange(linux=system.LINUX, windows=system.WINDOWS)
    if exchange is None:
        return False
    ours = identity_of(temp.lstat())
    one, other = os.fsencode(temp), os.fsencode(path)
    number = exchange(one, other)
    if number in _UNSUPPORTED:
        return False
    if number == errno.ENOENT:
        raise changed_error(path, REMOVED)
    if number:
        raise OSError(number, os.strerror(number), str(path))
    if _is_expected(temp, expected):
        temp.unlink()
        return True
    _swap_back(exchange, temp, path, ours)
    raise changed_error(path, CHANGED)


def _swap_back(exchange: Exchange, temp: Path, path: Path, ours: FileIdentity) -> None:
    """Give the name back to what another program saved.

    If it saves again meanwhile, what comes out is newer than what went in: they change places once more. In
    the end the newest content has the name, as if we had done nothing, and ours is discarded.
    """
    one, other = os.fsencode(temp), os.fsencode(path)
    for _ in range(_SWAPS):
        number = exchange(one, other)
        if number == errno.ENOENT:  # removed meanwhile, and so it is
            break
        if number:
            raise _left_aside(path, temp)
        if identity_of(temp.lstat()) == ours and _has_no_writer(temp):
            break
        ours = identity_of(path.lstat())
    else:
        raise _left_aside(path, temp)
    with suppress(FileNotFoundError):
        temp.unlink()


def _left_aside(path: Path, temp: Path) -> ChangedError:
    """What another program saved can't be put back; it gets a name that is never cleaned up."""
    kept = path.with_name(f"{path.name}.saved-meanwhile-{os.urandom(4).hex()}")
    with suppress(OSError):
        temp.rename(kept)
    return ChangedError(
        "was saved by another program while it was being replaced, and could not be put back: what that "
        f"program saved is in {kept.name} beside it",
        hint="compare the two, then delete one",
        path=str(path),
    )


def _replace_watched(temp: Path, path: Path, expected: FileContent) -> None:
    """Without a swap: hold on to the old file by a second name, and put it back if it was written to."""
    name = path.name if temp.parent == path.parent else shown_name(str(path.absolute()))
    aside = marked(temporary_path(temp.with_name(name)), expected)
    try:
        os.link(path, aside, follow_symlinks=False)
    except (OSError, NotImplementedError):
        check_expected(path, expected)
        rename_over(temp, path)
        return
    try:
        _look_first(path, expected)
        rename_over(temp, path)
        if not _is_expected(aside, expected):
            rename_over(aside, path)
            raise changed_error(path, CHANGED)
    finally:
        with suppress(OSError):
            aside.unlink()


def _is_expected(path: Path, expected: FileContent) -> bool:
    """Whether a file is what was read, and nobody is about to write to it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | system.SAFE_FLAGS | system.O_NOFOLLOW)
    except PermissionError:
        # Ours to replace, yet not to read: its state has to do.
        return identity_of(path.lstat()) == expected.identity
    except OSError:
        return False  # a link, say
    try:
        if not _no_writer_of(descriptor):
            return False
        status = os.fstat(descriptor)
        # The time of a change is only as exact as the system's clock tick, so the content counts.
        return identity_of(status) == expected.identity and expected.is_same(
            _read(descriptor, status.st_size)
        )
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, size + 1):
        chunks.append(chunk)
    return b"".join(chunks)


def _has_no_writer(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | system.SAFE_FLAGS | system.O_NOFOLLOW)
    except OSError:
        return True
    try:
        return _no_writer_of(descriptor)
    finally:
        os.close(descriptor)


def _no_writer_of(descriptor: int) -> bool:
    """Whether no process has a file open for writing; True where the system can't tell.

    Linux gives a read lease only on such a file. An editor that has opened the old file, and writes after it
    was replaced, would write into nothing.
    """
    if sys.platform != "linux":
        return True
    import fcntl

    try:
        # The signal for the case that somebody opens it now; the default one would end the process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno != errno.EAGAIN  # else: another owner's file, or no leases here
    return True


@cache
def _exchange(*, linux: bool, windows: bool) -> Exchange | None:
    """The call that makes two files change places; it returns 0 or an error number. None without one."""
    if windows:
        return None
    found = c_function("renameat2" if linux else "renamex_np")
    if found is None:
        return None
    call, last_error = found
    if linux:
        return lambda one, other: (
            0 if call(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE) == 0 else last_error()
        )
    return lambda one, other: 0 if call(one, other, _RENAME_SWAP) == 0 else last_error()
