"""Signals that end a run: they unwind the stack, so that plain text and half-done work are cleaned up."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fluxsecrets.files.undisturbed import has_to_wait

EXIT_INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C."""

ENDING = tuple(
    number
    for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")
    if (number := getattr(signal, name, None)) is not None
)
"""Signals that end a run in order, besides SIGINT. A closed terminal sends SIGHUP."""

_ONE_END = 10.0  # seconds; a closed terminal and a service manager send several signals at once


class TerminatedError(BaseException):
    """The process received a signal that ends it.

    Attributes:
        exit_code: 128 and the signal's number, as in a shell.
    """

    def __init__(self, number: int) -> None:
        """Take the signal's number."""
        super().__init__(number)
        self.exit_code = 128 + number


@contextmanager
def terminable() -> Iterator[None]:
    """Raise TerminatedError where a signal arrives that ends the run, and KeyboardInterrupt for SIGINT.

    A signal that the caller ignores stays ignored, as under `nohup`. Signals that follow at once are dropped:
    they would cut off the cleaning up.
    """
    last = -_ONE_END

    def terminate(number: int, _frame: object) -> None:
        nonlocal last
        if has_to_wait(number):
            return
        now = time.monotonic()
        if now - last >= _ONE_END:
            last = now
            raise TerminatedError(number)

    def interrupt(number: int, _frame: object) -> None:
        if not has_to_wait(number):
            raise KeyboardInterrupt

    before: dict[int, object] = {}
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            with suppress(ValueError):
                before[signal.SIGINT] = signal.signal(signal.SIGINT, interrupt)
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                try:
                    before[number] = signal.signal(number, terminate)
                except ValueError:  # not the main thread: its owner handles signals
                    break
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)  # type: ignore[arg-type]


def exit_code_of_end(error: BaseException) -> int:
    """Return the exit code of a run that a signal ended."""
    return error.exit_code if isinstance(error, TerminatedError) else EXIT_INTERRUPTED
