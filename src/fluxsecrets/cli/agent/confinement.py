"""Whether a client may do itself what it has the agent do.

A process of the same user may be confined: in a container or a sandbox, with fewer rights. The agent reads
files by name, so it must not read them for a client that could not. Where the system does not show it, the
user decides.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_FIELDS = (b"Uid:", b"Gid:", b"Groups:", b"NoNewPrivs:", b"Seccomp:", b"CapPrm:", b"CapBnd:")
_SPACES = ("mnt", "pid", "user", "net")


def is_as_free(peer: int, accepted: float, platform: str = sys.platform) -> bool:
    """Return whether a process has the rights of this one, and sees the same files and processes.

    Args:
        peer: its number.
        accepted: when its connection was accepted, by `lasting.now`. A process that started later only has
            the number of the one that connected.
        platform: a value of `sys.platform`.
    """
    if platform != "linux":
        return True
    try:
        return _seen(str(peer)) == _seen("self") and _started(peer) <= accepted
    except (OSError, ValueError, IndexError):
        return False


def _started(process: int) -> float:
    """Return when a process started, in seconds of the clock that counts sleep."""
    with open(f"/proc/{process}/stat", "rb") as file:  # noqa: PTH123
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _seen(process: str) -> tuple[object, ...]:
    folder = f"/proc/{process}"
    with open(f"{folder}/status", "rb") as file:  # noqa: PTH123 - pathlib is slower
        rights = [line for line in file.read().split(b"\n") if line.startswith(_FIELDS)]
    spaces = [os.readlink(f"{folder}/ns/{name}") for name in _SPACES]  # noqa: PTH115
    root = os.stat(f"{folder}/root/.")  # noqa: PTH116
    profile = b""
    with suppress(OSError), open(f"{folder}/attr/current", "rb") as file:  # noqa: PTH123 - SELinux, AppArmor
        profile = file.read()
    return (tuple(rights), tuple(spaces), root.st_dev, root.st_ino, profile)
