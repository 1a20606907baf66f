"""The surroundings of a run in the agent: those of the client, and nothing of the agent's own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from .wire import Request


def enter(request: Request, given: Sequence[int], peer: int) -> None:
    """Take the client's streams, folder, environment, umask and limits.

    Args:
        request: what the client said.
        given: descriptors of its standard output, its standard error and its folder, which are closed.
        peer: the client's process.

    Raises:
        OSError: the folder can't be entered.
    """
    output, messages, folder = given
    os.dup2(output, 1)
    os.dup2(messages, 2)
    os.fchdir(folder)
    # Standard input can't be read: what was read from it could not be given back to the client.
    nothing = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nothing, 0)
    for descriptor in (*given, nothing):
        if descriptor > 2:
            os.close(descriptor)
    os.umask(request.umask & 0o777)
    for name in set(os.environb) - set(request.environ):
        del os.environb[name]
    for name, value in request.environ.items():
        if os.environb.get(name) != value:
            os.environb[name] = value
    time.tzset()
    _limit_as(peer)


def _limit_as(peer: int) -> None:
    """Take over lower limits of the client's process, where the system shows them."""
    if sys.platform != "linux":
        return
    import resource

    for kind in _LIMITS:
        with suppress(OSError, ValueError):
            theirs, own = resource.prlimit(peer, kind), resource.getrlimit(kind)
            if theirs != own:
                soft, hard = (_lower(*pair) for pair in zip(theirs, own, strict=True))
                resource.setrlimit(kind, (_lower(soft, hard), hard))


_LIMITS = (0, 1, 2, 3, 6, 7, 9)  # of Linux: CPU, FSIZE, DATA, STACK, NPROC, NOFILE, AS; never CORE


def _lower(one: int, other: int) -> int:
    """Return the lower one; -1 means unlimited."""
    return max(one, other) if -1 in (one, other) else min(one, other)
