"""Processes that tell a test where they are, so that it waits for what happens and not for a time."""

import os
import signal
import subprocess
from contextlib import contextmanager, suppress


@contextmanager
def told_by(command, **options):
    """Start a process, and read the lines that it and its children write into a pipe.

    The number of the pipe is the last word of the command. The lines end when no process has the pipe any
    more, so that a test that has read them all knows that all processes have ended. What is left is killed.

    Yields:
        The process, and its lines as they come.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as lines:
        try:
            process = subprocess.Popen(
                [*command, str(writing)],
                pass_fds=[writing],
                start_new_session=True,
                stderr=subprocess.DEVNULL,
                **options,
            )
        finally:
            os.close(writing)
        try:
            yield process, lines
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
