"""Delete a folder of ours, whatever a program that ran in it made of it meanwhile.

Such a program may take away permissions, nest folders deeper than Python's recursion goes, write on when it
should have ended, or put links in the place of folders. So everything is reached from the descriptor of the
folder, no link is followed, and inner folders are moved up instead of being walked into.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from . import system

_FLAGS: int = os.O_RDONLY | system.SAFE_FLAGS | getattr(os, "O_DIRECTORY", 0) | system.O_NOFOLLOW
_PATH_ONLY = getattr(os, "O_PATH", None)
_PASSES = 10
"""How often it is tried, while somebody else still writes."""


def remove_folder(folder: Path, descriptor: int | None) -> None:
    """Delete a folder and all that is in it.

    What is in it goes even if the folder was moved. What has its name now, and is another one, stays.

    Args:
        folder: where it was made.
        descriptor: of the folder; None on Windows, which has none.

    Raises:
        OSError: something can't be deleted, or comes back again and again.
    """
    if descriptor is None:
        import shutil  # Windows only

        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
        return
    with suppress(OSError):  # what can't be changed fails below, if it matters
        os.fchmod(descriptor, stat.S_IRWXU)
    for left in reversed(range(_PASSES)):
        try:
            _empty(descriptor)
            if _is_at(folder, descriptor):
                folder.rmdir()
        except OSError:  # somebody else writes, or deletes as well
            if not left:
                raise
        else:
            return


def _is_at(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), folder.lstat())
    except FileNotFoundError:
        return False


def _empty(root: int) -> None:
    """Delete what is in a folder: its inner folders become folders beside each other first."""
    names = os.listdir(root)
    while names:
        name = names.pop()
        if not _is_folder(name, root):
            os.unlink(name, dir_fd=root)
            continue
        inner = os.open(name, _FLAGS, dir_fd=root)
        try:
            for each in os.listdir(inner):  # noqa: PTH208
                if _is_folder(each, inner):
                    moved = os.urandom(16).hex()
                    os.rename(each, moved, src_dir_fd=inner, dst_dir_fd=root)
                    names.append(moved)
                else:
                    os.unlink(each, dir_fd=inner)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=root)


def _is_folder(name: str, parent: int) -> bool:
    """Whether an entry is a folder; one that its owner may not change is made changeable."""
    mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    if not stat.S_ISDIR(mode):
        return False
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        _grant(name, parent)
    return True


def _grant(name: str, parent: int) -> None:
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, stat.S_IRWXU, dir_fd=parent, follow_symlinks=False)
    elif _PATH_ONLY is not None:  # Linux, where a link could take the folder's place before it is changed
        descriptor = os.open(name, _PATH_ONLY | _FLAGS, dir_fd=parent)
        try:
            os.chmod(f"/proc/self/fd/{descriptor}", stat.S_IRWXU)  # noqa: PTH101 - it is not a path
        finally:
            os.close(descriptor)
