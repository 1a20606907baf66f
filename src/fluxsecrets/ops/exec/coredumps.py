"""Keep memory, with its keys and plain text, from being written to disk when a process crashes.

The limit is inherited: programs that get keys or plain text from us (an editor, gpg, plug-ins) leave no core
dump either. Commands that the user runs through us get back what the user had.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


def disable_core_dumps() -> None:
    """Switch them off for this process and those it starts; called once, where the program starts."""
    if sys.platform == "win32":
        return  # the system has no core dumps
    import resource

    _, hard = users_own()
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


@cache
def users_own() -> tuple[int, int]:
    """The limits that this process was started with: what is asked first is what counts."""
    if sys.platform == "win32":
        return 0, 0
    import resource

    return resource.getrlimit(resource.RLIMIT_CORE)


@contextmanager
def users_own_limits() -> Iterator[None]:
    """Start a command of the user's with the user's own limits."""
    if sys.platform == "win32":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, users_own())
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
