"""Work over processes that are forked from this one: they know its jobs already, and send back results.

A pool of the standard library imports more, starts threads and takes a queue's detour, which costs as much as
the work on dozens of files. Here each worker takes the number of its next chunk from a pipe that all share.
It writes results into a pipe of its own, which holds them while this process does something else.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import select
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from struct import Struct

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.clibrary import c_function
from fluxsecrets.files.undisturbed import has_to_wait, undisturbed
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, TypeVar

    Job = TypeVar("Job")
    Result = TypeVar("Result")

_NUMBER = Struct("=I")
_HEAD = Struct("=IQ")
"""Before the results of a chunk: its number, and how many bytes follow."""

_AHEAD = 16
"""Chunks per worker that are under way, so that none waits while this process writes files."""

_HELD = 2**25
"""Bytes of results that wait for those of an earlier chunk, from which no further chunk is begun."""

_PIPE_SIZE = 2**20
_PR_SET_PDEATHSIG = 1  # prctl(2)
_SETPIPE_SZ = 1031  # fcntl(2) of Linux; Python has a name for it on some builds only


def spread(
    work: Callable[[Job], Result],
    chunks: Sequence[Sequence[Job]],
    workers: int,
    *,
    writes: bool = False,
    late: Callable[[Result], None] | None = None,
    beside: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """The results of all jobs in their order, as they come; closing it ends the workers.

    Args:
        work: see `run_jobs`.
        chunks: the jobs, as they go to a worker.
        workers: how many.
        writes: the work changes files. A worker that is told to end cleans up what it has begun, and it ends
            with this process even where that is killed.
        late: takes the results of chunks that were done when this was closed, or failed.
        beside: what this process does while they work.

    Raises:
        FluxsecretsError: a worker was killed.
    """
    crew = _Crew(len(chunks))
    try:
        with _started(crew, partial(_serve, work, chunks, writes=writes), workers, drain=late is not None):
            if beside is not None:
                crew.ask_ahead(0)
                beside()
            for number in range(len(chunks)):
                results, error = _unpacked(crew.results_of(number))
                if error is not None:
                    raise error
                yield from results
    finally:
        if late is not None:
            for _, done in sorted(crew.held.items()):
                for result in _unpacked(done)[0]:
                    late(result)


def _unpacked(results: bytes) -> tuple[Sequence[Any], Exception | None]:
    """What `_results` packed."""
    found: tuple[Sequence[Any], Exception | None] = pickle.loads(results)  # noqa: S301 - of our own process
    return found


@dataclass(slots=True)
class _Crew:
    """The workers, and what is between them and this process.

    Attributes:
        count: how many chunks there are.
        asking: the pipe into which numbers of chunks are written.
        answers: by the descriptor of its pipe, each worker's process.
        asked: how many chunks were asked for.
        held: results that came before those of an earlier chunk.
        size: their bytes.
    """

    count: int
    asking: int = -1
    answers: dict[int, int] = field(default_factory=dict)
    asked: int = 0
    held: dict[int, bytes] = field(default_factory=dict)
    size: int = 0

    def results_of(self, number: int) -> bytes:
        """The results of a chunk; the chunks are taken in their order."""
        poll = select.poll()
        for descriptor in self.answers:
            poll.register(descriptor, select.POLLIN)
        while number not in self.held:
            self.ask_ahead(number)
            for descriptor, _ in poll.poll():
                with undisturbed():  # `drain` goes on where results begin
                    self._take(descriptor)
        results = self.held.pop(number)
        self.size -= len(results)
        return results

    def ask_ahead(self, number: int) -> None:
        """Ask for a chunk and those after it, as many as may be under way."""
        most = number + (_AHEAD * len(self.answers) if self.size < _HELD else 1)
        while self.asked < min(most, self.count):
            try:
                os.write(self.asking, _NUMBER.pack(self.asked))
            except BrokenPipeError:  # all workers were killed; it would pass for a reader that has left
                raise _killed() from None
            self.asked += 1

    def drain(self, descriptor: int) -> None:
        """Take what a worker sent before it ended."""
        with suppress(FluxsecretsError):  # the end; it may have been cut off
            while True:
                self._take(descriptor)

    def _take(self, descriptor: int) -> None:
        found, length = _HEAD.unpack(_read(descriptor, _HEAD.size))
        self.held[found] = _read(descriptor, length)
        self.size += length


@contextmanager
def _started(
    crew: _Crew, serve: Callable[[_Pipes], NoReturn], workers: int, *, drain: bool
) -> Iterator[None]:
    asked, asking = os.pipe()
    alive, living = os.pipe()
    crew.asking = asking
    finished = False
    try:
        try:
            for _ in range(workers):
                with undisturbed():
                    _start(crew, serve, asked, (alive, living))
        finally:
            os.close(asked)
            os.close(alive)
        yield
        finished = True
    finally:
        with undisturbed():
            os.close(asking)  # those that wait for more end now
            if not finished:  # nobody waits for what they have begun, least of all after Ctrl-C
                for process in crew.answers.values():
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGTERM)
            for descriptor, process in crew.answers.items():
                with suppress(ChildProcessError):
                    os.waitpid(process, 0)
                if drain and not finished:
                    crew.drain(descriptor)
                os.close(descriptor)
            os.close(living)


class _Pipes(NamedTuple):
    """What a worker has of the pipes.

    Attributes:
        asked: where numbers of chunks come from.
        answering: where its results go.
        alive: it ends when the first process does.
        others: the ends that are not for workers.
    """

    asked: int
    answering: int
    alive: int
    others: tuple[int, ...]


def _start(crew: _Crew, serve: Callable[[_Pipes], NoReturn], asked: int, lifeline: tuple[int, int]) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()  # else both processes write what it holds
    answers, answering = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 and later warn where other threads run, such as those of a program that uses this as a
        # library. Workers compute, and take no locks that those may hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if not process:
        alive, living = lifeline
        serve(_Pipes(asked, answering, alive, (living, crew.asking, *crew.answers, answers)))
    os.close(answering)  # so that the end of the only process that has it is seen
    crew.answers[answers] = process
    with suppress(OSError):  # a user may have so much only
        fcntl.fcntl(answers, _SETPIPE_SZ, _PIPE_SIZE)


def _read(descriptor: int, length: int) -> bytes:
    parts = []
    while length:
        part = os.read(descriptor, length)
        if not part:
            raise _killed()
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _killed() -> FluxsecretsError:
    return FluxsecretsError(
        "a worker process was killed",
        hint="the machine may be out of memory; run the command again: what is done stays done",
    )


# --- in the worker ----------------------------------------------------------------------------------------


def _serve(
    work: Callable[[Any], Any], chunks: Sequence[Sequence[Any]], pipes: _Pipes, *, writes: bool
) -> NoReturn:
    """Work on chunks until there are no more; it never returns to what the first process was doing."""
    code = 1
    try:
        # These go to all processes of a terminal; the first one decides, and ends the others.
        ignored = {signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _leave if writes else signal.SIG_DFL)
        for descriptor in pipes.others:
            os.close(descriptor)
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - a question has no answer here
        _end_with_parent(pipes.alive, at_once=writes)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*ignored, signal.SIGTERM})
        while asked := os.read(pipes.asked, _NUMBER.size):
            (index,) = _NUMBER.unpack(asked)
            _send(pipes.answering, index, _results(work, chunks[index]))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        code = 0
    finally:
        os._exit(code)


def _leave(number: int, _frame: object) -> None:
    if not has_to_wait(number):
        raise SystemExit  # what is being written is cleaned up on the way out


def _results(work: Callable[[Any], Any], jobs: Sequence[Any]) -> bytes:
    try:
        return pickle.dumps(([work(job) for job in jobs], None), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - it is raised where the results are awaited
        return pickle.dumps(((), error), pickle.HIGHEST_PROTOCOL)


def _send(answering: int, index: int, results: bytes) -> None:
    rest = memoryview(_HEAD.pack(index, len(results)) + results)
    while rest:
        rest = rest[os.write(answering, rest) :]


def _end_with_parent(alive: int, *, at_once: bool) -> None:
    """End this process when the one that started it is gone; what it has begun may take long."""
    from _thread import start_new_thread  # nobody waits for it, and `threading` takes longer to import

    def watch() -> None:
        os.read(alive, 1)  # nobody writes; it ends when the other end is closed
        os._exit(1)

    start_new_thread(watch, ())
    if at_once:
        found = c_function("prctl")
        if found is not None:
            found[0](_PR_SET_PDEATHSIG, signal.SIGKILL)
