"""The mode, owner and attributes of a file that takes the place of another one."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError

NEW_FILE_MODE = 0o600
"""Permission bits of a file that replaces none."""

_ACL = "system.posix_acl_access"


def give_access(descriptor: int, path: Path, mode: int | None, old: os.stat_result | None) -> str | None:
    """Give a new file its mode, and what it keeps of the old one.

    Args:
        descriptor: of the new file, which so far is for its owner alone.
        path: the old file.
        mode: permission bits; None keeps the old file's.
        old: the old file's status, or None for a new file.

    Returns:
        What could not be kept, so that the file is more private than the old one; None if nothing.

    Raises:
        FileAccessError: the file would have another mode than it should, on a file system that has modes.
    """
    note = None
    wanted = mode
    if wanted is None:
        wanted = NEW_FILE_MODE if old is None else stat.S_IMODE(old.st_mode)
    if old is not None and not _keep_access(descriptor, path, old) and mode is None:
        # Its group bits were meant for another group, or were the mask of an ACL.
        before = wanted & 0o777
        wanted &= ~0o2070 | ((wanted & 0o007) << 3)
        if wanted & 0o777 != before:
            modes = f"{before:04o} to {wanted & 0o777:04o}"
            note = f"its group or ACL can't be kept, so its mode changed from {modes}"
    if hasattr(os, "fchmod"):
        _set_mode(descriptor, path, wanted, old)
    return note


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


def _set_mode(descriptor: int, path: Path, wanted: int, old: os.stat_result | None) -> None:
    """Give a new file its mode.

    Raises:
        FileAccessError: the file would have another mode than it should, on a file system that has modes.
    """
    reason = "the file system did not set it"
    before = stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o777
    try:
        os.fchmod(descriptor, wanted)
    except PermissionError as error:
        from .reasons import reason_of  # only when something fails

        reason = reason_of(error).text
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o777
    # A file system without modes, such as FAT, shows the same ones for all files, whatever was asked for.
    without_modes = before & ~0o600 or (old is not None and mode == stat.S_IMODE(old.st_mode) & 0o777)
    if mode != wanted & 0o777 and not without_modes:
        raise FileAccessError(
            f"its mode {wanted & 0o777:04o} cannot be kept, it would be {mode:04o}: {reason}",
            hint="nothing was written; check how the file system is mounted, or write the file elsewhere",
            path=str(path),
        )
