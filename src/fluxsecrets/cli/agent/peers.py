"""Who is at the other end of a connection, as the system knows it."""

from __future__ import annotations

import socket
import struct
import sys

from .client import peer_of

_LOCAL_PEERPID = 2
"""Of macOS; Python has no name for it."""


def is_own(line: socket.socket, user: int) -> bool:
    """Return whether a client is a process of a user; not even root is let in for another one."""
    try:
        return peer_of(line) == user
    except OSError:
        return False


def process_of(line: socket.socket, platform: str = sys.platform) -> int:
    """Return the number of the client's process; 0 if the system does not say."""
    try:
        if platform == "linux":
            found = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", found)[0])
        return line.getsockopt(0, _LOCAL_PEERPID)  # SOL_LOCAL
    except (OSError, struct.error):
        return 0
