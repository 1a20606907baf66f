"""What the system's errors mean, in our words, and what to do about each."""

from __future__ import annotations

import errno

from fluxsecrets.namedtuples import NamedTuple


class Reason(NamedTuple):
    """Why the system refused something.

    Attributes:
        text: such as `the disk is full`.
        hint: what to do, or None.
    """

    text: str
    hint: str | None = None


_SPACE = "free some space, then run the same command again"
_REASONS: dict[int, Reason] = {
    errno.ENOENT: Reason("it does not exist", "check the spelling, and that its folder exists"),
    errno.ENOTDIR: Reason("a part of its path is not a folder", "check the spelling"),
    errno.EISDIR: Reason("it is a folder", "name a file in it"),
    errno.EEXIST: Reason("it exists already", "remove it first, or choose another name"),
    errno.ELOOP: Reason("it is a link, or links lead in circles", "name the file that it points to"),
    errno.EACCES: Reason("permission denied", "check the owner and mode of the file and of its folder"),
    errno.EPERM: Reason(
        "it is not permitted",
        "check owner, mode and attributes (lsattr) of the file and its folder",
    ),
    errno.EROFS: Reason("the file system is read-only", "mount it writable, or work on a copy elsewhere"),
    errno.ENOSPC: Reason("the disk is full", _SPACE),
    errno.EDQUOT: Reason("your disk quota is used up", _SPACE),
    errno.EFBIG: Reason("the file would be larger than allowed", "raise the limit (ulimit -f)"),
    errno.ENAMETOOLONG: Reason("the name is too long", "choose a shorter file or folder name"),
    errno.EBUSY: Reason(
        "it is in use", "a file that is mounted on its own can't be replaced: mount its folder"
    ),
    errno.EMFILE: Reason("too many files are open", "raise the limit (ulimit -n)"),
    errno.EIO: Reason("the disk reports an error", "check the disk; the system's log says more"),
}

_WORDS = (
    ("no space left on device", errno.ENOSPC),
    ("out of diskspace", errno.ENOSPC),  # git's own words
    ("disk quota exceeded", errno.EDQUOT),
    ("read-only file system", errno.EROFS),
)


def reason_of(error: OSError) -> Reason:
    """Return why the system refused something."""
    found = _REASONS.get(error.errno or 0)
    return found or Reason((error.strerror or type(error).__name__).lower())


def reason_in(text: str) -> Reason | None:
    """Return what another program says about the disk, or None. The program runs in the C locale."""
    said = text.lower()
    return next((_REASONS[number] for words, number in _WORDS if words in said), None)


def is_full(error: BaseException | None) -> bool:
    """Whether the system refused something for lack of space."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
