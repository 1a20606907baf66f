"""The agent's process: its protection, and its start in the background."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from fluxsecrets.errors import FileAccessError
from fluxsecrets.programs import disable_core_dumps

from .socketfile import AgentRunsError

_PR_SET_DUMPABLE = 4

_SECONDS = 30.0
"""For an agent to be ready."""

READY, TAKEN = b"ready\n", b"an agent runs\n"
"""What the process in the background says: clients are answered; another one has the place."""

_PASSED = ("HOME", "PATH", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")
_PASSED_PREFIXES = ("LC_", "PYTHON")
"""Variables that the agent in the background gets: those that it needs itself, and none that holds a key."""


def harden() -> None:
    """Keep the memory of this process out of core dumps, and away from other processes of the user.

    On Linux, programs that are not root's can't attach a debugger to it from now on.
    """
    disable_core_dumps()
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def leave_terminal() -> None:
    """Be no leader of a session, which could get a terminal."""
    if os.fork():
        os._exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def leave_folder() -> None:
    """Leave the working directory, which nobody could unmount."""
    os.chdir("/")


def say_ready() -> None:
    """Tell the command that started this process that it is ready, and let go of its streams."""
    with suppress(OSError):
        os.write(1, READY)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def say_taken() -> None:
    """Tell the command that started this process that another agent has the place."""
    with suppress(OSError):
        os.write(1, TAKEN)


def start(arguments: list[str]) -> str:
    """Start this program again in a session of its own, and wait until it is ready.

    A new process holds nothing of this one's memory and environment.

    Args:
        arguments: its command line.

    Returns:
        What it said instead of being ready; empty if it is.

    Raises:
        AgentRunsError: another agent has the place.
        FileAccessError: it was not ready in time.
    """
    program = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]
    environ = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or name.startswith(_PASSED_PREFIXES)
    }
    started = subprocess.Popen(  # noqa: S603 - this program
        [sys.executable, *program[1:], *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        start_new_session=True,
    )
    try:
        said, _ = started.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        started.kill()
        raise FileAccessError(
            "the agent was not ready in time", hint="start it with --foreground to see what it does"
        ) from None
    if said.endswith(TAKEN):
        raise AgentRunsError("an agent runs")
    return "" if said.endswith(READY) else said.decode("utf-8", "replace")
