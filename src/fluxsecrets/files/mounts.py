"""Which kind of file system a file is on; Linux only."""

from __future__ import annotations

import os
import sys

TMPFS, RAMFS = 0x01021994, 0x858458F6


def file_system(descriptor: int) -> int:
    """The magic number of the file system, as statfs(2) lists them; Linux only."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    status = ctypes.create_string_buffer(512)  # struct statfs has about 120 bytes, f_type is its first word
    if library.fstatfs(descriptor, status) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int.from_bytes(status.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder)
