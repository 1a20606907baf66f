"""Standard input that a command would not read, where somebody may believe that it does."""

from __future__ import annotations

import os
import stat
import sys

from fluxsecrets.errors import UsageError


def refuse_piped_input(command: str) -> None:
    """Refuse to mean the whole repository where something is piped in.

    `kubectl create secret … -o yaml | fluxsecrets encrypt` is meant for what comes through the pipe. An empty
    pipe can't be told from a slow one, so it is refused too: `.` says that the folder is meant. A terminal,
    /dev/null and a socket are not input that somebody gave.

    Args:
        command: as it is called, for the hint.

    Raises:
        UsageError: standard input is a pipe or a file.
    """
    if not _is_piped():
        return
    raise UsageError(
        "standard input is a pipe or a file, and no path says what is meant",
        hint=f"`fluxsecrets {command} - --filename NAME` reads standard input; "
        f"`fluxsecrets {command} .` means the secrets in this folder",
    )


def _is_piped() -> bool:
    if sys.stdin is None:
        return False
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):  # closed, or not a file of the system
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
