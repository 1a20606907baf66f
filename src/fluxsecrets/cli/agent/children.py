"""The processes that answer requests. One is forked ahead and waits, so that no client waits for a fork."""

from __future__ import annotations

import array
import os
import signal
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.keys.unlocked import Unlocked

from .answering import FORGET, Outcome, Peer, answer
from .confinement import is_as_free
from .loaded import Loaded
from .sample import rehearse

_MOST = 16
"""Requests that are answered at once; others wait until one is done."""

_SECONDS = 600.0
"""Until a request has to print something; then the client does the work itself."""

_MOMENT, _STEP = 1.0, 0.002
"""Seconds for processes that print when the keys are forgotten, and between looks at them."""

_GIVEN = struct.Struct("!Id")
"""With a connection: the process of the client, and when it was accepted."""


class _Waiting(NamedTuple):
    process: int
    way: socket.socket


class Children:
    """The process that waits, and those that work."""

    def __init__(
        self, loaded: Loaded, sample: Path, kept: Unlocked, close_inherited: Callable[[], None]
    ) -> None:
        """Fork none yet.

        Args:
            loaded: the code that they run.
            sample: the folder of `sample_in`.
            kept: what the agent keeps; a process sees it as it was when it was forked.
            close_inherited: closes what is the agent's alone, in each process.
        """
        self._loaded, self._sample, self._kept = loaded, sample, kept
        self._close_inherited = close_inherited
        self._waiting: _Waiting | None = None
        self._ended_early = False
        self._working: dict[int, float] = {}

    @property
    def full(self) -> bool:
        """Whether the next request has to wait."""
        return len(self._working) >= _MOST

    def prepare(self) -> None:
        """Fork a process that waits, unless one does, or the last one ended by itself.

        What ended that one may end the next one, too. So another one is forked for the next request only.

        Raises:
            OSError: the system has no room for it.
        """
        if self._waiting is None and not self._ended_early:
            self._waiting = self._fork()

    def forget(self) -> list[int]:
        """End the process that waits, and those that have printed nothing yet: they know forgotten keys.

        Those that print forget them, too. They are given a moment, so that nothing comes from them once
        a lock is answered. Only one whose reader is slow goes on after that, and ends
        with its client.

        Returns:
            The exit codes of those that have ended.
        """
        self.renew()
        for process in self._working:
            _tell_to_forget(process)
        ended, end = self.reap(), time.monotonic() + _MOMENT
        while self._working and time.monotonic() < end:
            time.sleep(_STEP)
            ended += self.reap()
        return ended

    def renew(self) -> None:
        """End the process that waits: what the agent keeps has changed."""
        if self._waiting is not None:
            process, way = self._waiting
            self._waiting = None
            way.close()
            os.kill(process, signal.SIGKILL)
            _wait_for(process)

    def give(self, line: socket.socket, peer: int, since: float) -> None:
        """Have a request answered.

        Args:
            line: the connection to the client.
            peer: the client's process.
            since: when it was accepted.

        Raises:
            OSError: the system has no room for a process.
        """
        waiting = self._fork() if self._waiting is None else self._waiting
        self._waiting, self._ended_early = None, False
        with waiting.way:
            given = array.array("i", [line.fileno()])
            waiting.way.sendmsg(
                [_GIVEN.pack(peer, since)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, given.tobytes())]
            )
        self._working[waiting.process] = since

    def reap(self) -> list[int]:
        """Return the exit codes of processes that have ended since."""
        ended = []
        for process in list(self._working):
            with suppress(ChildProcessError):
                found, status = os.waitpid(process, os.WNOHANG)
                if found == 0:
                    continue
                ended.append(os.waitstatus_to_exitcode(status))
            del self._working[process]
        if self._waiting is not None and _has_ended(self._waiting.process):
            self._waiting.way.close()
            self._waiting, self._ended_early = None, True
        return ended

    def end_late(self, now: float) -> None:
        """End processes that take too long. Those that print end with their client."""
        for process, since in self._working.items():
            if now - since > _SECONDS:
                _tell_to_forget(process)

    def _fork(self) -> _Waiting:
        here, there = socket.socketpair()
        try:
            process = os.fork()
        except OSError:
            here.close()
            there.close()
            raise
        if process == 0:
            try:
                here.close()
                self._close_inherited()
                _wait_and_answer(there, self._loaded, self._sample, self._kept)
            finally:
                os._exit(Outcome.GONE)
        there.close()
        return _Waiting(process, here)


def _wait_and_answer(way: socket.socket, loaded: Loaded, sample: Path, kept: Unlocked) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, FORGET):
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError):  # somebody removed the sample: it only takes longer then
        rehearse(sample)
    loaded.is_unchanged()
    is_as_free(os.getpid(), 0.0)
    said, ancillary, _, _ = way.recvmsg(
        _GIVEN.size, socket.CMSG_SPACE(4), getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    )
    way.close()
    if not ancillary:  # the agent has ended, or has forked another one
        return
    given = array.array("i", ancillary[0][2])
    peer, since = _GIVEN.unpack(said)
    answer(socket.socket(fileno=given[0]), Peer(peer, since), loaded, kept)


def _tell_to_forget(process: int) -> None:
    os.kill(process, FORGET)
    os.kill(process, signal.SIGCONT)  # one that somebody stopped would keep the keys


def _has_ended(process: int) -> bool:
    try:
        return os.waitpid(process, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _wait_for(process: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(process, 0)
