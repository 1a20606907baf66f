"""Names of temporary files, and the removal of those that a killed run left."""

from __future__ import annotations

import os
import re
import stat
import time
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path

from . import system

LEFTOVER_GLOB = ".*.fluxsecrets-*.tmp"
"""Names of temporary files; never secrets to be encrypted, and nothing to commit."""

_LEFTOVER = r"(?s)\..*\.fluxsecrets-([0-9a-f]{8})-([0-9]+)-[0-9a-f]{8}\.tmp"
_STALE_AFTER = 3600  # seconds; a temporary file is in use for the time of one batch


def remove_leftovers(folder: Path) -> tuple[Path, ...]:
    """Delete temporary files in a folder that an earlier, killed run left; not in folders below it.

    A file is deleted if its process ran on this machine (and in this container) and is gone, or if it is
    older than an hour: no run needs one for that long, and a run that did would fail without harm.

    Args:
        folder: a folder that is about to be written to, or was.

    Returns:
        What was deleted. Files that can't be examined or deleted are skipped.
    """
    removed: list[Path] = []
    try:
        paths = list(folder.iterdir())
    except OSError:
        return ()
    for path in paths:
        match = re.fullmatch(_LEFTOVER, path.name)
        if match is None:
            continue
        with suppress(OSError):
            status = path.lstat()
            mine = match[1] == _machine_tag()
            gone = mine and not _is_running(int(match[2]))
            if stat.S_ISREG(status.st_mode) and (gone or time.time() - status.st_mtime > _STALE_AFTER):
                path.unlink()
                removed.append(path)
    return tuple(removed)


def temporary_path(path: Path) -> Path:
    """A fresh name beside a file, which tells `remove_leftovers` who made it."""
    # Names have at most 255 bytes; what is added takes up to 50.
    shown = path.name.encode("utf-8", "ignore")[:200].decode("utf-8", "ignore")
    name = f".{shown}.fluxsecrets-{_machine_tag()}-{os.getpid()}-{os.urandom(4).hex()}.tmp"
    return path.parent / name


@cache
def _machine_tag() -> str:
    """Tells machines and containers apart, whose process numbers mean nothing to each other."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    space = Path()
    with suppress(OSError):
        space = Path("/proc/self/ns/pid").readlink()
    return f"{zlib.crc32(f'{name} {space}'.encode()):08x}"


def _is_running(process: int) -> bool:
    if system.WINDOWS:
        return True  # os.kill would end it there; the file's age decides
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def discard(path: Path) -> None:
    """Delete a temporary file; one that is already gone is fine."""
    with suppress(OSError, ValueError):  # ValueError: a null character
        path.unlink()
