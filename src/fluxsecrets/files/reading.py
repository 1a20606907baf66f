"""Whole regular files, read up to a limit; the system's errors become `FileAccessError`.

Paths are opened as they are given. A repository's file goes through `resolve_inside` first.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fluxsecrets.errors import ChangedError, FileAccessError, LimitError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

from . import system
from .reasons import reason_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Doing = Literal["read", "written"]


_FINGERPRINT_BYTES = 32


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
        data: the whole content; not in the repr, it may be plain text.
        identity: the state that was read; `write_atomic` compares it.
        mode: permission bits, such as 0o640.
        digest: the content's `fingerprint`, where `data` was dropped; see `without_data`.
    """

    path: Path
    data: bytes = field(repr=False)
    identity: FileIdentity
    mode: int
    digest: bytes | None = None

    def without_data(self, digest: bytes | None = None) -> FileContent:
        """The same state in little memory; it still tells other contents apart.

        Args:
            digest: the content's `fingerprint` where it is known.
        """
        if self.digest is not None:
            return self
        # Without `replace`, which takes as long as the hash: each file of a batch comes by here.
        return FileContent(self.path, b"", self.identity, self.mode, digest or fingerprint(self.data))

    def is_same(self, data: bytes) -> bool:
        """Whether this is the content that was read."""
        return data == self.data if self.digest is None else fingerprint(data) == self.digest

    def fingerprint(self) -> bytes:
        """The content's `fingerprint`."""
        return fingerprint(self.data) if self.digest is None else self.digest


def fingerprint(data: bytes) -> bytes:
    """A hash that tells a content from all others; each file of a batch is hashed several times."""
    from .hashing import fast_hash  # reading alone does without

    made = fast_hash(_FINGERPRINT_BYTES)
    made.update(data)
    digest: bytes = made.digest()
    return digest


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
    with translated(path, "read"):
        descriptor, opened = _open_regular(path, limit, follow_links)
        try:
            data = _read_up_to(descriptor, limit + 1, opened.st_size)
            if len(data) > limit:
                raise _too_large(path, max(len(data), os.fstat(descriptor).st_size), limit)
            if identity_of(os.fstat(descriptor)) != identity_of(opened):
                raise changed_error(path, "was changed while it was being read")
        finally:
            os.close(descriptor)
    return FileContent(path, data, identity_of(opened), stat.S_IMODE(opened.st_mode))


def holds(path: Path, word: bytes, *, limit: int, follow_links: bool = False) -> bool:
    """Whether a word is anywhere in a file. A large one is read piece by piece.

    Raises:
        LimitError, FileAccessError: see `read_file`.
    """
    with translated(path, "read"):
        descriptor, _ = _open_regular(path, limit, follow_links)
        try:
            text = b""
            while piece := os.read(descriptor, _PIECE):
                text += piece
                if word in text:
                    return True
                text = text[1 - len(word) :]  # it may go on in the next piece
        finally:
            os.close(descriptor)
    return False


_PIECE = 64 * 2**10


def _open_regular(path: Path, limit: int, follow_links: bool) -> tuple[int, os.stat_result]:
    before = path.stat() if follow_links else path.lstat()
    require_regular(path, before, "read")  # before opening it: that alone can disturb a device
    descriptor = os.open(path, os.O_RDONLY | system.SAFE_FLAGS | (0 if follow_links else system.O_NOFOLLOW))
    try:
        opened = os.fstat(descriptor)
        _require_readable(path, opened, limit)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, opened


def _require_readable(path: Path, status: os.stat_result, limit: int) -> None:
    require_regular(path, status, "read")
    if status.st_size > limit:
        raise _too_large(path, status.st_size, limit)


def _read_up_to(descriptor: int, most: int, likely: int) -> bytes:
    chunks: list[bytes] = []
    left, wanted = most, max(likely + 1, _PIECE)  # one byte more than the size says
    while left > 0:
        chunk = os.read(descriptor, min(left, wanted))
        if not chunk:
            break
        chunks.append(chunk)
        left -= len(chunk)
        # Mostly there is nothing more. Memory of the file's size, given back here, would make the system keep
        # what is given back later.
        wanted = _PIECE
    return b"".join(chunks)


def identity_of(status: os.stat_result) -> FileIdentity:
    """The identity of a file that was looked at."""
    # On Windows fstat and lstat may name the volume differently; the rest tells enough there.
    device = 0 if system.WINDOWS else status.st_dev
    return FileIdentity(device, status.st_ino, status.st_mtime_ns, status.st_size)


def names_open_file(path: Path) -> bool:
    """Whether an absolute path is the name of an open file, such as `/dev/stdin`, whatever it leads to.

    The program that opened such a file goes on using it, so that it is not to be replaced.
    """
    return str(path).startswith(("/dev/std", "/dev/fd/", "/proc/"))


def require_regular(path: Path, status: os.stat_result, doing: Doing) -> None:
    """Raise FileAccessError for folders, links, pipes, sockets and devices."""
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


def changed_error(path: Path, what: str) -> ChangedError:
    """The error for a file that another program touched in between."""
    return ChangedError(what, hint="nothing was written; run the same command again", path=str(path))


@contextmanager
def translated(path: Path, doing: Doing) -> Iterator[None]:
    """Raise the system's errors about a path as FileAccessError."""
    try:
        yield
    except OSError as error:
        raise access_error(error, path, doing) from error
    except ValueError:
        # A null character, which no file name can hold.
        raise FileAccessError(f"cannot be {doing}: the name is not valid", path=str(path)) from None


def access_error(error: OSError, path: Path, doing: Doing) -> FileAccessError:
    """The system's error in our words, with what to do about it."""
    reason, hint = reason_of(error)
    if doing == "written" and error.errno == errno.ENOENT:
        reason, hint = "its folder does not exist, or is no longer there", "create the folder first"
    return FileAccessError(f"cannot be {doing}: {reason}", hint=hint, path=str(path))
