"""Which kind of file system a file is on; Linux only."""

from __future__ import annotations

import errno
import os
import sys

from .clibrary import c_buffer, c_function

TMPFS, RAMFS = 0x01021994, 0x858458F6

_STATUS_SIZE = 512
"""Bytes; struct statfs has about 120, and f_type is its first word."""

_WORD_SIZE = 8 if sys.maxsize > 2**32 else 4


def file_system(descriptor: int) -> int:
    """The magic number of the file system, as statfs(2) lists them; Linux only.

    Raises:
        OSError: it can't be told, such as by a Python without ctypes.
    """
    found = c_function("fstatfs")
    if found is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    call, last_error = found
    status = c_buffer(_STATUS_SIZE)
    if call(descriptor, status) != 0:
        number = last_error()
        raise OSError(number, os.strerror(number))
    return int.from_bytes(status.raw[:_WORD_SIZE], sys.byteorder)
