"""What differs between operating systems, in one place so that a test can pretend to be on another one."""

import os
import sys

LINUX: bool = sys.platform == "linux"
WINDOWS: bool = os.name == "nt"

O_TMPFILE: int = getattr(os, "O_TMPFILE", 0)
O_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
SAFE_FLAGS: int = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
)
"""For every file that is opened: no child inherits it, no FIFO blocks, no terminal takes over."""
