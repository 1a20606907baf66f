"""The lock that its own thread may take again: that of `threading`, without the module.

Decrypting one file needs `threading` for nothing else.
"""

from __future__ import annotations

try:
    from _thread import RLock
except ImportError:  # an interpreter that has it in Python only
    from threading import RLock

__all__ = ["RLock"]
