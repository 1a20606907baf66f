"""Temporary files beside the files that they replace, and what killed runs left of them.

They are there only where a file can't be staged out of git's sight, see `staging`.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path

from .processes import is_running, machine_tag

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
            mine = match[1] == machine_tag()
            gone = mine and not is_running(int(match[2]))
            if stat.S_ISREG(status.st_mode) and (gone or time.time() - status.st_mtime > _STALE_AFTER):
                path.unlink()
                removed.append(path)
    return tuple(removed)


def temporary_path(path: Path) -> Path:
    """A fresh name beside a file, which tells `remove_leftovers` who made it."""
    # Names have at most 255 bytes; what is added takes up to 50.
    shown = path.name.encode("utf-8", "ignore")[:200].decode("utf-8", "ignore")
    name = f".{shown}.fluxsecrets-{machine_tag()}-{os.getpid()}-{os.urandom(4).hex()}.tmp"
    return path.parent / name
