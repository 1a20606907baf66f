"""Steps that no signal cuts off."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ENDING = {
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
}

_waiting: ContextVar[tuple[int, list[int]] | None] = ContextVar("_waiting", default=None)
"""In a step: its process, since a forked one does not finish the step, and the signals that came."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals that end the run wait until the block is done.

    A second Ctrl-C would otherwise end the deletion of plain text in the middle. On Windows a signal waits if
    its handler asks `has_to_wait`.
    """
    if not hasattr(signal, "pthread_sigmask"):
        with held():
            yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        # The system gives a signal to another thread then, and Python calls the handler in this one.
        with held():
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def held() -> Iterator[None]:
    """Let signals wait whose handlers ask `has_to_wait`.

    A program that is started in the block does not inherit that, as it does what `undisturbed` blocks.
    """
    came: list[int] = []
    token = _waiting.set((os.getpid(), came))
    try:
        yield
    finally:
        _waiting.reset(token)
        for number in came[:1]:
            signal.raise_signal(number)


def has_to_wait(number: int) -> bool:
    """Whether a signal came in a step that it must not cut off; it is raised again behind the step."""
    step = _waiting.get()
    if step is None or step[0] != os.getpid():
        return False
    step[1].append(number)
    return True
