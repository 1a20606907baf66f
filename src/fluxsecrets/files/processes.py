"""Which machine, user and process this is, and whether another process still runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from . import system


def host_name(environ: Mapping[str, str] = os.environ) -> str:
    """The machine's name."""
    return os.uname().nodename if hasattr(os, "uname") else environ.get("COMPUTERNAME", "")


def user_name(environ: Mapping[str, str] = os.environ) -> str:
    """The user's name, or number."""
    if sys.platform == "win32":
        return environ.get("USERNAME", "")
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@cache
def machine_tag() -> str:
    """Tells machines and containers apart, whose process numbers mean nothing to each other."""
    from binascii import crc32  # zlib has the same one, in a library of its own

    space = Path()
    with suppress(OSError):
        space = Path("/proc/self/ns/pid").readlink()
    return f"{crc32(f'{host_name()} {space}'.encode()):08x}"


def start_of(process: int) -> str | None:
    """When a process of this machine started, to tell it from a later one with its number.

    Returns:
        Clock ticks since the system started; None where the system doesn't tell, or the process is gone.
    """
    try:
        line = Path(f"/proc/{process}/stat").read_text("ascii", "replace")
    except OSError:
        return None
    # proc(5): field 22. The second one is the program's name in parentheses, which may hold any character.
    fields = line.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else None


def is_running(process: int, start: str | None = None) -> bool:
    """Whether a process of this machine runs.

    Args:
        process: its number.
        start: from `start_of`; another process with its number does not count then.
    """
    if system.WINDOWS:
        return True  # os.kill would end it there
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    now = start_of(process)
    return start is None or now is None or start == now
