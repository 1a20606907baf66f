"""One request of a client, in a process of its own that was forked ahead.

It takes the client's streams, folder, environment and umask, and runs the ordinary command line. What it
would have to ask a person, and what fails before anything is printed, it declines: the client does that
itself.
"""

from __future__ import annotations

import array
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from enum import IntEnum
from typing import NamedTuple, NoReturn

from fluxsecrets.cli.dispatch import dispatch
from fluxsecrets.cli.dropin.dispatch import run as run_dropin
from fluxsecrets.cli.signals import ENDING
from fluxsecrets.errors import FluxsecretsError, NeedsPersonError
from fluxsecrets.keys.unlocked import Unlocked, keeping
from fluxsecrets.ops.run.logged import Logged

from . import wire
from .confinement import is_as_free
from .forms import DROPIN, may_answer
from .loaded import Loaded
from .streams import Gate, open_streams
from .surroundings import enter

_SECONDS = 5.0
"""For a client to send all of its request, and to say that it waits for the result."""

FORGET = signal.SIGUSR1
"""The agent has forgotten the keys that its processes know: this ends one that has printed nothing."""

_DESCRIPTORS = 3

_ENDS = tuple(128 + number for number in (signal.SIGINT, *ENDING))
"""Exit codes of runs that a signal ended."""


class Outcome(IntEnum):
    """What became of a request: the exit code of its process."""

    ANSWERED = 0
    NEEDS_PERSON = 10
    FAILED = 11
    OTHER_CODE = 12
    CHANGED_CODE = 13
    CONFINED = 14
    MALFORMED = 15
    GONE = 16
    FORGOTTEN = 17


class Peer(NamedTuple):
    """The client's process.

    Attributes:
        process: its number.
        since: when its connection was accepted.
    """

    process: int
    since: float


class _DeclinedError(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def answer(line: socket.socket, peer: Peer, loaded: Loaded, unlocked: Unlocked) -> NoReturn:
    """Answer one request, and end the process.

    Args:
        line: the connection to the client.
        peer: the process of the client.
        loaded: the code that the agent runs.
        unlocked: what the agent keeps.
    """
    outcome = Outcome.MALFORMED
    try:
        end = time.monotonic() + _SECONDS
        request = _receive(line, end)
        _check(request, peer, loaded)
        line.sendall(wire.READY)
        outcome = _run(line, request, peer, unlocked, end)
    except _DeclinedError as error:
        _decline(line, error.outcome)
    except NeedsPersonError:
        _decline(line, Outcome.NEEDS_PERSON)
    except BaseException:  # noqa: BLE001 - nothing was printed, and the client does it itself
        _decline(line, outcome)
    os._exit(outcome)


def _receive(line: socket.socket, end: float) -> wire.Request:
    parts = [_more(line, 64 * 1024, end)]
    if parts[0][:1] != wire.RUN:
        raise _DeclinedError(Outcome.MALFORMED)
    while len(parts[0]) < wire.HEAD:
        parts[0] += _more(line, wire.HEAD, end)
    missing = wire.HEAD + wire.length_in(parts[0]) - len(parts[0])
    if not 0 <= missing <= wire.MOST_RUN:
        raise _DeclinedError(Outcome.MALFORMED)
    while missing:
        parts.append(_more(line, min(missing, 256 * 1024), end))
        missing -= len(parts[-1])
    try:
        return wire.decoded(b"".join(parts)[wire.HEAD :])
    except ValueError:
        raise _DeclinedError(Outcome.MALFORMED) from None


_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def _wait_until(line: socket.socket, end: float) -> None:
    line.settimeout(max(0.001, end - time.monotonic()))


def _more(line: socket.socket, most: int, end: float) -> bytes:
    _wait_until(line, end)
    data = line.recv(most)
    if not data:
        raise _DeclinedError(Outcome.GONE)
    return data


def _check(request: wire.Request, peer: Peer, loaded: Loaded) -> None:
    arguments = [os.fsdecode(text) for text in request.argv[1:]]
    if not may_answer(request.program, arguments):
        raise _DeclinedError(Outcome.MALFORMED)
    if request.interpreter != loaded.interpreter or not loaded.is_found_on(request.path):
        raise _DeclinedError(Outcome.OTHER_CODE)
    if not loaded.is_unchanged():
        raise _DeclinedError(Outcome.CHANGED_CODE)
    if not is_as_free(peer.process, peer.since):
        raise _DeclinedError(Outcome.CONFINED)


def _run(line: socket.socket, request: wire.Request, peer: Peer, unlocked: Unlocked, end: float) -> Outcome:
    log = Logged(holding=True)

    def begin() -> None:
        if unlocked.needed:  # whatever is to be printed is not what a person would get
            _decline(line, Outcome.NEEDS_PERSON)
        try:
            log.release()
        except FluxsecretsError:
            _decline(line, Outcome.FAILED)
        _say(line, wire.BEGUN)

    gate = Gate(begin)

    def forget(_number: int, _frame: object) -> None:
        unlocked.forget()
        if not gate.begun:
            _decline(line, Outcome.FORGOTTEN)

    signal.signal(FORGET, forget)
    sys.path[:] = [os.fsdecode(text) for text in request.path]
    sys.argv[:] = [os.fsdecode(text) for text in request.argv]
    signals, given = _wait_for_go(line, end)
    enter(request, given, peer.process)
    open_streams(gate, request.streams)
    _follow(line, signals)
    with keeping(unlocked):
        code = _command_line(request.program, log)
    _stop_following()
    # Nobody else says what the end by a signal was; all that fails otherwise says so in the client.
    if not gate.begun and (unlocked.needed or code not in (0, *_ENDS)):
        raise _DeclinedError(Outcome.NEEDS_PERSON if unlocked.needed else Outcome.FAILED)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    with suppress(OSError):
        gate.open()
    _say(line, wire.DONE + bytes((code & 0xFF,)))
    return Outcome.ANSWERED


def _command_line(program: str, log: Logged) -> int:
    if program == DROPIN:
        return run_dropin(sys.argv[1:], log)
    return dispatch(sys.argv[1:], log)


def _wait_for_go(line: socket.socket, end: float) -> tuple[bytes, list[int]]:
    """Wait until the client waits for the result.

    Returns:
        The numbers of signals that it got, and its standard output, standard error and folder.
    """
    got, given = b"", array.array("i")
    while wire.GO not in got:
        _wait_until(line, end)
        data, ancillary, flags, _ = line.recvmsg(
            64, socket.CMSG_SPACE(_DESCRIPTORS * given.itemsize), _CLOSE_ON_EXEC
        )
        for level, kind, rights in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                given.frombytes(rights[: len(rights) - len(rights) % given.itemsize])
        if not data or flags & socket.MSG_CTRUNC:
            raise _DeclinedError(Outcome.MALFORMED if data else Outcome.GONE)
        got += data
    if len(given) != _DESCRIPTORS:
        raise _DeclinedError(Outcome.MALFORMED)
    return got.replace(wire.GO, b""), list(given)


def _follow(line: socket.socket, signals: bytes) -> None:
    """End as the client ends: by the signals that it passes on, or when it is gone."""
    import fcntl

    line.setblocking(False)
    pending = bytearray(signals)

    def look(_number: int, _frame: object) -> None:
        try:
            while True:
                data = line.recv(64)
                if not data:
                    os._exit(Outcome.GONE)
                pending.extend(data)
        except OSError:
            pass
        while pending:
            number = pending.pop(0)
            if number in (signal.SIGINT, *ENDING):
                signal.raise_signal(number)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGIO, look)
    fcntl.fcntl(line, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(line, fcntl.F_SETFL, fcntl.fcntl(line, fcntl.F_GETFL) | os.O_ASYNC)
    signal.raise_signal(signal.SIGIO)  # what came before


def _stop_following() -> None:
    signal.signal(signal.SIGIO, signal.SIG_IGN)


def _decline(line: socket.socket, outcome: Outcome) -> NoReturn:
    _stop_following()  # the client hangs up as soon as it is told, which is not the reason
    _say(line, wire.DECLINED)
    os._exit(outcome)


def _say(line: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # the client is gone
        line.setblocking(False)
        line.send(data)
