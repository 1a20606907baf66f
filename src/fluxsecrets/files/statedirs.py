"""Where fluxsecrets keeps state: in git's directory, looked for upwards, and in a folder of the user."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping

from fluxsecrets.errors import FileAccessError

STATE_NAME = "fluxsecrets"
"""The folder in a git directory in which fluxsecrets keeps state."""


def upwards(folder: str) -> Iterator[str]:
    """Return a folder and those above it, the nearest first.

    Commands come by here for each file, so that it goes without path objects.
    """
    while True:
        yield folder
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            return
        folder = above


def git_directory(folder: str) -> str | None:
    """The git directory of the work tree that has its top in this folder, or None.

    A worktree and a submodule have one of their own, which a file names.
    """
    git = os.path.join(folder, ".git")  # noqa: PTH118 - here and below: pathlib is slower
    try:
        mode = os.stat(git).st_mode  # noqa: PTH116
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(mode):
        return git
    if not stat.S_ISREG(mode):
        return None
    try:
        with open(git, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return git
    return os.path.join(folder, text.removeprefix("gitdir:").strip())  # noqa: PTH118


def state_above(folder: str, known: dict[str, str | None] | None = None) -> str | None:
    """The state folder of the work tree that a folder is in, or None outside of git; it need not exist.

    Args:
        folder: an absolute path.
        known: answers for folders that were asked for; those of this one and of the ones above it are added.
    """
    passed = []
    found = None
    for level in upwards(folder):
        if known is not None and level in known:
            found = known[level]
            break
        passed.append(level)
        git = git_directory(level)
        if git is not None:
            found = os.path.join(git, STATE_NAME)  # noqa: PTH118
            break
    if known is not None:
        known |= dict.fromkeys(passed, found)
    return found


def user_state_folder(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """The folder in which fluxsecrets keeps state of this user; it need not exist.

    `$XDG_STATE_HOME` wins on every system; the rest is what the platform has for it.

    Raises:
        FileAccessError: the user has no home folder.
    """
    join = os.path.join
    base = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # noqa: PTH117 - as the specification says, a relative one counts for nothing
        home = environ.get("USERPROFILE" if platform == "win32" else "HOME") or os.path.expanduser("~")  # noqa: PTH111
        if platform == "win32":
            base = environ.get("LOCALAPPDATA") or join(home, "AppData", "Local")
        elif platform == "darwin":
            base = join(home, "Library", "Application Support")
        else:
            base = join(home, ".local", "state")
    if not os.path.isabs(base):  # noqa: PTH117
        raise FileAccessError(
            "there is no folder to keep state in", hint="set HOME, or XDG_STATE_HOME to an absolute path"
        )
    return join(base, "fluxsecrets")
