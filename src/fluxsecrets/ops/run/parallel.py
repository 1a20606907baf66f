"""The same work on many files, spread over processes where there is enough of it.

On Linux this process forks helpers and works beside them. They share a pipe of tickets, one for each chunk
of the jobs; whoever is free takes the next, so that nobody waits while there is something to do. Elsewhere
threads of the system forbid to fork, and a pool of new processes does the work.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from fluxsecrets.errors import FluxsecretsError

Job = TypeVar("Job")
Result = TypeVar("Result")

_CHUNK = 8
_JOBS_FOR_A_PROCESS = 3
"""In chunks: what is less is done before another process has started."""

_AHEAD = 4
_TICKET = 4
_LENGTH = 8
_TICKETS_AT_MOST = 1_000
"""What a pipe holds for sure: Linux gives it a page where a user has many."""


def run_jobs(work: Callable[[Job], Result], jobs: Sequence[Job], *, chunk: int = _CHUNK) -> Iterator[Result]:
    """The results of all jobs in their order, as they come.

    Args:
        work: a module-level function, or a partial of one with picklable arguments. It reports a
            file's failure in its result and raises nothing.
        jobs: picklable.
        chunk: how many go to a process at a time; it takes six of these for a second process.

    Raises:
        FluxsecretsError: a worker process died.
    """
    workers = min(_cpus(), len(jobs) // (chunk * _JOBS_FOR_A_PROCESS))
    if workers < 2:
        yield from map(work, jobs)
        return
    # The first one is done here: what it looks up, parses or asks the user for then serves all workers.
    yield work(jobs[0])
    chunk = max(chunk, -(-len(jobs) // _TICKETS_AT_MOST))
    chunks = [jobs[start : start + chunk] for start in range(1, len(jobs), chunk)]
    yield from _forked(work, chunks, workers) if sys.platform == "linux" else _pooled(work, chunks, workers)


# --- helpers that are forked --------------------------------------------------------------------------------


def _forked(work: Callable[[Job], Result], chunks: Sequence[Sequence[Job]], workers: int) -> Iterator[Result]:
    tickets, filled = os.pipe()
    helpers: list[_Helper] = []
    try:
        os.write(filled, b"".join(number.to_bytes(_TICKET, "big") for number in range(len(chunks))))
        os.close(filled)  # so that whoever finds no ticket sees the end
        for _ in range(workers - 1):
            helpers.append(_Helper.start(work, chunks, tickets, helpers))
        done: dict[int, Sequence[Result]] = {}
        for number in range(len(chunks)):
            while number not in done:
                _help_on(work, chunks, tickets, helpers, done)
            yield from done.pop(number)
    finally:
        os.close(tickets)
        for helper in helpers:
            helper.end()


def _help_on(
    work: Callable[[Job], Result],
    chunks: Sequence[Sequence[Job]],
    tickets: int,
    helpers: Sequence[_Helper],
    done: dict[int, Sequence[Result]],
) -> None:
    """Take what helpers have done; where that is nothing yet, do a chunk here, or wait."""
    import select

    running = {helper.results: helper for helper in helpers if not helper.finished}
    ready = select.select(list(running), [], [], 0)[0]
    # A bound on what is held while one chunk takes its time.
    ahead = len(done) > _AHEAD * len(helpers) and running
    if not ready and not ahead and (ticket := os.read(tickets, _TICKET)):
        number = int.from_bytes(ticket, "big")
        done[number] = [work(job) for job in chunks[number]]
        return
    if not running:
        raise _died()
    for descriptor in ready or select.select(list(running), [], [])[0]:
        received = running[descriptor].receive()
        if received is not None:
            number, results = received
            done[number] = results


class _Helper:
    """A forked process, seen from the one that forked it."""

    def __init__(self, process: int, results: int) -> None:
        self.process = process
        self.results = results
        self.finished = False

    @classmethod
    def start(
        cls,
        work: Callable[[Job], Result],
        chunks: Sequence[Sequence[Job]],
        tickets: int,
        others: Sequence[_Helper],
    ) -> _Helper:
        """Fork a process that works until there are no more tickets."""
        results, sink = os.pipe()
        process = _fork()
        if process:
            os.close(sink)
            return cls(process, results)
        code = 1
        try:
            os.close(results)
            for other in others:
                os.close(other.results)  # else the death of this process's parent would go unnoticed there
            _assist(work, chunks, tickets, sink)
            code = 0
        finally:
            # Whatever happened: nothing of the parent's is cleaned up, flushed or reported from here.
            os._exit(code)

    def receive(self) -> tuple[int, Sequence[Any]] | None:
        """A chunk's number and results, or None where this helper is done.

        Raises:
            FluxsecretsError: it died.
        """
        import pickle

        header = _read(self.results, _LENGTH)
        data = _read(self.results, int.from_bytes(header, "big")) if len(header) == _LENGTH else b""
        if not data:
            self.finished = True
            if self._wait() != 0 or header:
                raise _died()
            return None
        number, results, error = pickle.loads(data)  # noqa: S301 - from a process of our own
        if error is not None:
            raise error
        return number, results

    def end(self) -> None:
        """End the process, if it has not come to its end."""
        import signal

        os.close(self.results)
        with suppress(ChildProcessError):  # it was waited for
            if os.waitpid(self.process, os.WNOHANG)[0] == 0:
                os.kill(self.process, signal.SIGTERM)
                os.waitpid(self.process, 0)

    def _wait(self) -> int:
        try:
            return os.waitpid(self.process, 0)[1]
        except ChildProcessError:  # whoever started us ignores the end of children, and so do we
            return 0


def _fork() -> int:
    import warnings

    with warnings.catch_warnings():
        # Python 3.12 and later warn where other threads run, such as those of a program that uses this as a
        # library. Helpers compute, and neither start threads nor take locks that those may hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _assist(work: Callable[[Job], Result], chunks: Sequence[Sequence[Job]], tickets: int, sink: int) -> None:
    """What a helper does; where its parent is gone, writing the results fails and it ends."""
    import pickle

    _leave_signals_to_parent()
    while ticket := os.read(tickets, _TICKET):
        number = int.from_bytes(ticket, "big")
        try:
            data = pickle.dumps((number, [work(job) for job in chunks[number]], None))
        except Exception as error:  # noqa: BLE001 - it is raised again where somebody can report it
            data = pickle.dumps((number, (), error))
        rest = memoryview(len(data).to_bytes(_LENGTH, "big") + data)
        while rest:
            rest = rest[os.write(sink, rest) :]


def _leave_signals_to_parent() -> None:
    import signal

    # Ctrl-C goes to all processes of a terminal; the first one decides, and ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _read(descriptor: int, length: int) -> bytes:
    """So many bytes, or fewer where the other side is gone."""
    pieces = []
    while length > 0 and (piece := os.read(descriptor, length)):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _died() -> FluxsecretsError:
    return FluxsecretsError(
        "a worker process was killed",
        hint="the machine may be out of memory; run the command again: what is done stays done",
    )


# --- processes that are started anew ------------------------------------------------------------------------


def _pooled(work: Callable[[Job], Result], chunks: Sequence[Sequence[Job]], workers: int) -> Iterator[Result]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_Worker.start, initargs=(work,)) as pool:
        try:
            for results in pool.map(_Worker.run, chunks):
                yield from results
        except BrokenProcessPool:
            raise _died() from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """The work of a worker process: handed over once, so that its caches serve all of the jobs."""

    work: ClassVar[Callable[[Any], Any]]

    @classmethod
    def start(cls, work: Callable[[Any], Any]) -> None:
        _leave_signals_to_parent()
        _end_with_parent()
        cls.work = work

    @classmethod
    def run(cls, chunk: Sequence[Any]) -> list[Any]:
        return [cls.work(job) for job in chunk]


def _end_with_parent() -> None:
    """End this process when the one that started it is killed; it would wait for work forever."""
    from multiprocessing import parent_process
    from threading import Thread

    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
