"""Search for programs in PATH, but never in the working directory.

The working directory may be a stranger's repository. Windows searches it first by default, and so does any
system whose PATH has an empty entry, `.` or another relative entry.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

_ENDINGS = ".COM;.EXE;.BAT;.CMD"
"""Endings of programs on Windows, if PATHEXT is not set."""

_SECRET_VARIABLES = ("SOPS_AGE_KEY",)
"""Variables that hold a private key itself. No program that fluxsecrets starts for a file needs them."""


def find_program(name: str, environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """Find an executable.

    A bare name is searched for in the absolute folders of PATH. A name with a folder is the user's own
    choice: it is absolute, or relative to the working directory as in a shell.

    Args:
        name: the program's name or path.
        environ: holds PATH, and on Windows PATHEXT.
        platform: a value of `sys.platform`.

    Returns:
        An absolute path, or None. For a bare name, the file exists and is executable.
    """
    if not name:
        return None
    endings = list(_endings(name, environ)) if platform == "win32" else [""]
    # A drive, as in `C:git`, is a folder too: the current one on that drive.
    if os.path.dirname(name) or os.path.splitdrive(name)[0]:  # noqa: PTH120 - Path drops a leading `./`
        path = os.path.abspath(name)  # noqa: PTH100 - links are not resolved
        return next((path + end for end in endings if _is_program(path + end)), path)
    for folder in absolute_folders(environ.get("PATH", os.defpath)):
        for end in endings:
            path = os.path.join(folder, name + end)  # noqa: PTH118 - asked for each folder
            if _is_program(path):
                return path
    return None


def absolute_folders(path: str) -> list[str]:
    """Return the absolute entries of a list such as PATH. They don't depend on the working directory."""
    return [part for part in path.split(os.pathsep) if os.path.isabs(part)]  # noqa: PTH117


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for another program: without private keys, and with absolute PATH entries only.

    Variables that only say where keys or credentials are stay, since plugins and key commands need them.
    """
    kept = {name: value for name, value in environ.items() if name not in _SECRET_VARIABLES}
    if "PATH" in kept:
        kept["PATH"] = os.pathsep.join(absolute_folders(kept["PATH"]))
    return kept


def _endings(name: str, environ: Mapping[str, str]) -> Iterator[str]:
    known = [end for end in (environ.get("PATHEXT") or _ENDINGS).split(";") if end.startswith(".")]
    if any(name.lower().endswith(end.lower()) for end in known):
        yield ""
    yield from known


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113
