"""The agent's loop: it accepts clients, hands requests on, and keeps time. It runs no command itself."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fluxsecrets import __version__
from fluxsecrets.keys.unlocked import IDENTITIES, PGP, PLUGIN, Unlocked
from fluxsecrets.report.agent import AgentState

from . import wire
from .children import Children
from .control import Counts, Said, keep, reply
from .lasting import Limits, now
from .loaded import Loaded
from .peers import is_own, process_of
from .socketfile import Place

_MOST_ARRIVING = 128
_SECONDS = 5.0
"""For a client to say what it wants."""

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE = 0.1
"""Errors of `accept` that stay until something is closed, and seconds to wait for that."""

_LONGEST_WAIT = 30.0
"""Seconds between looks at the clock: the machine may have slept."""


@dataclass(slots=True)
class _Arriving:
    """A client that has not said yet what it wants, or all of it."""

    line: socket.socket
    process: int
    since: float
    got: bytearray = field(default_factory=bytearray)


class Agent:
    """Answers clients until it is stopped, its time is over, or its socket is removed."""

    def __init__(self, place: Place, loaded: Loaded, sample: Path, limits: Limits, *, stores: bool) -> None:
        """Take what is listened on.

        Args:
            place: the socket.
            loaded: the code that requests are answered with.
            sample: the folder of `sample_in`.
            limits: how long it keeps keys, and lives.
            stores: whether it keeps what a client unlocked.
        """
        self._place: Final = place
        self._listener: Final = place.listener
        self._loaded, self._limits, self._stores = loaded, limits, stores
        self._kept = Unlocked(asks=False)
        self._arriving: dict[int, _Arriving] = {}
        self._buffer = bytearray(64 * 1024)
        self._wakeups = socket.socketpair()
        self._children = Children(loaded, sample, self._kept, self._close_inherited)
        self._counts = Counts()
        self._started = self._used = now()
        self._ends = False

    def _close_inherited(self) -> None:
        for each in (self._listener, *self._wakeups, *(each.line for each in self._arriving.values())):
            each.close()
        os.close(self._place.lock)

    def serve(self) -> None:
        """Answer until a signal or a client ends it, or the lifetime is over."""
        self._listener.setblocking(False)
        for end in self._wakeups:
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeups[1].fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        try:
            while not self._ends:
                self._turn()
        finally:
            self._kept.forget()
            self._children.forget()

    def _end(self, _number: int, _frame: object) -> None:
        self._ends = True

    def _turn(self) -> None:
        with suppress(OSError):  # too many processes: the next request tries again
            self._children.prepare()
        poll = select.poll()
        poll.register(self._wakeups[0], select.POLLIN)
        # Always: a process that connected must still be there when its connection is accepted.
        poll.register(self._listener, select.POLLIN)
        for descriptor, each in self._arriving.items():
            if not (self._children.full and each.got == wire.RUN):
                poll.register(descriptor, select.POLLIN)
        ready = poll.poll(self._wait() * 1000)
        # First of all: after a sleep nobody is to be answered with what should be forgotten.
        self._keep_time()
        with suppress(BlockingIOError):
            self._wakeups[0].recv(4096)
        self._counts.note(self._children.reap())
        for descriptor, _ in ready:
            if descriptor == self._listener.fileno():
                self._accept()
            elif descriptor in self._arriving:
                self._listen(self._arriving[descriptor])
        self._take_waiting()

    def _wait(self) -> float:
        left = [_LONGEST_WAIT, self._started + self._limits.lifetime - now()]
        if len(self._kept):
            left.append(self._used + self._limits.idle - now())
        if self._arriving:
            left.append(1.0)
        return max(0.0, min(left)) + 0.001

    def _keep_time(self) -> None:
        moment = now()
        # Without its socket nobody could use, lock or stop it, and nobody would see that it runs.
        if moment - self._started >= self._limits.lifetime or not self._place.is_there():
            self._ends = True
            self._lock()
        elif len(self._kept) and moment - self._used >= self._limits.idle:
            self._lock()
        self._children.end_late(moment)
        for each in list(self._arriving.values()):
            if moment - each.since > _SECONDS:
                self._drop(each)

    def _lock(self) -> None:
        self._kept.forget()
        self._counts.note(self._children.forget())

    def _accept(self) -> None:
        try:
            line, _ = self._listener.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:  # the client still waits: this would be tried again and again
                time.sleep(_PAUSE)
            return
        if len(self._arriving) >= _MOST_ARRIVING or not is_own(line, os.geteuid()):
            line.close()
            return
        line.setblocking(False)
        arriving = self._arriving[line.fileno()] = _Arriving(line, process_of(line), now())
        self._listen(arriving)

    def _listen(self, client: _Arriving) -> None:
        try:
            if not client.got and client.line.recv(1, socket.MSG_PEEK) == wire.RUN:
                client.got += wire.RUN
            if client.got == wire.RUN:
                return
            size = client.line.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        client.got += memoryview(self._buffer)[:size]
        self._buffer[:size] = bytes(size)
        said = Said.parse(client.got)
        if said is None and size:
            return
        if said is not None and said.kind in wire.CONTROL:
            self._control(client, said)
        client.got[:] = bytes(len(client.got))
        if not self._ends:  # who stops the agent waits for its end
            self._drop(client)

    def _take_waiting(self) -> None:
        """Hand on the requests for which there is room."""
        for client in list(self._arriving.values()):
            if client.got == wire.RUN and not self._children.full and not self._ends:
                self._used = now()
                with suppress(OSError):
                    self._children.give(client.line, client.process, client.since)
                self._drop(client)

    def _control(self, client: _Arriving, said: Said) -> None:
        if said.kind == wire.STOP:
            self._ends = True
        elif said.kind == wire.LOCK:
            self._lock()
        elif said.kind == wire.KEEP and self._stores:
            self._used = now()
            keep(said, self._kept)
            self._children.renew()
        with suppress(OSError):
            client.line.send(reply(self._state()))

    def _state(self) -> AgentState:
        moment, counts = now(), self._kept.counts
        identities = sum(counts[kind] for kind in IDENTITIES)
        answered, declined = self._counts.shown()
        return AgentState(
            pid=os.getpid(),
            uptime=int(moment - self._started),
            program=__version__,
            identities=identities,
            opened=counts[PLUGIN] + counts[PGP],
            stores=self._stores,
            locks_in=max(0, int(self._used + self._limits.idle - moment)) if len(self._kept) else None,
            ends_in=max(0, int(self._started + self._limits.lifetime - moment)),
            current=self._loaded.is_unchanged(),
            answered=answered,
            declined=declined,
        )

    def _drop(self, client: _Arriving) -> None:
        self._arriving.pop(client.line.fileno(), None)
        client.line.close()
