"""Where a program is: the one place that looks through PATH, and never into the working directory.

The working directory may be a stranger's repository. Windows looks there first by itself, and so does any
system where PATH has an empty, a `.` or another relative entry.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

_ENDINGS = ".COM;.EXE;.BAT;.CMD"
"""What Windows takes for a program where PATHEXT does not say."""

_SECRET_VARIABLES = ("SOPS_AGE_KEY",)
"""Variables that hold a private key itself. No program that is started for a file needs them."""


def find_program(name: str, environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """Find an executable.

    A bare name is looked for in the absolute folders of PATH. What names a folder is the user's own word:
    it is absolute, or relative to the working directory as in a shell.

    Args:
        name: of the program, or its path.
        environ: PATH, and on Windows PATHEXT.
        platform: as `sys.platform`.

    Returns:
        An absolute path; for a bare name that of a file that may be run. None where there is none.
    """
    if not name:
        return None
    endings = list(_endings(name, environ)) if platform == "win32" else [""]
    # A drive, as in `C:git`, is a place too: the folder that is current on that drive.
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
    """The entries of a list such as PATH that mean the same folder wherever a program is started."""
    return [part for part in path.split(os.pathsep) if os.path.isabs(part)]  # noqa: PTH117


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program of somebody else's: without private keys, and with absolute PATH entries.

    Variables that only say where keys or credentials are stay: plugins and key commands need them.
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
