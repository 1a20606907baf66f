"""Programs that are started: where they are found, and what they inherit.

They are searched for in PATH, but never in the working directory, which may be a stranger's repository.
Windows searches it first by default, and so does any system whose PATH has an empty or relative entry.

They inherit that no core dump is written: memory holds keys and plain text, here and in an editor, gpg or a
plugin. Commands that the user runs through us get back the user's own limits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

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


def disable_core_dumps() -> None:
    """Switch them off for this process and those it starts; called once, where the program starts."""
    if sys.platform == "win32":
        return  # the system has no core dumps
    import resource

    _, hard = users_own()
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


@cache
def users_own() -> tuple[int, int]:
    """The limits that this process was started with: what is asked first is what counts."""
    if sys.platform == "win32":
        return 0, 0
    import resource

    return resource.getrlimit(resource.RLIMIT_CORE)


@contextmanager
def users_own_limits() -> Iterator[None]:
    """Start a command of the user's with the user's own limits."""
    if sys.platform == "win32":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, users_own())
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
