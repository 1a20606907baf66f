"""The same work on many files, spread over processes where there is enough, over threads where it waits.

On Linux the workers are forked, so that they start at once and know what this process has looked up.
Elsewhere the system's threads forbid that, and new processes do the work.

What waits for a key service is spread over threads of this process. They share one client, so that nothing is
asked twice, and the rate and what is known to be down hold for the run.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import compress, islice
from operator import not_

from fluxsecrets.errors import FluxsecretsError

TYPE_CHECKING = False
if TYPE_CHECKING:  # few jobs do without processes
    from multiprocessing.context import BaseContext
    from typing import Any, ClassVar, TypeVar

    Job = TypeVar("Job")
    Result = TypeVar("Result")


_WAITING = 2
"""One job that waits has nothing to wait beside it."""

_CHUNK = 8
_CHUNKS_FOR_A_PROCESS = 3
"""Fewer are done before another process has started: fewer than 48 files stay in this one."""

_THREADS = 16
"""As many as requests may be under way, see `clouds.calling.CallLimits`."""

_AHEAD = 4
"""Chunks per worker that are under way; it bounds the results that are held while one chunk takes long."""


def run_jobs(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    chunk: int = _CHUNK,
    most: int | None = None,
    waits: Callable[[Job], bool] | None = None,
    beside: Callable[[], None] | None = None,
) -> Generator[Result]:
    """The results of all jobs in their order, as they come.

    Args:
        work: a module-level function, or a partial of one with picklable arguments. It reports a
            file's failure in its result and raises nothing.
        jobs: picklable.
        chunk: how many go to a process at a time; it takes six of these for a second process.
        most: processes; None for as many as there are CPUs.
        waits: whether a job waits for a service, see `waiting`; None if none does. Such work must be safe in
            threads.
        beside: what this process does while forked ones work; it is not done without any. Not with `waits`.

    Raises:
        FluxsecretsError: a worker process died.
    """
    if waits is not None and _forks() and _workers(len(jobs), chunk, most) > 1 and not waits(jobs[0]):
        yield from _told_apart(work, jobs, chunk, most, waits)
        return
    slow = [waits is not None and waits(job) for job in jobs]
    if sum(slow) < _WAITING or _Alone.on:
        yield from _computed(work, jobs, chunk, most, beside)
        return
    # Processes end before threads start: a process must not be forked beside threads.
    others = [*compress(jobs, map(not_, slow))]
    quick = iter([*_computed(work, others, chunk, most)])
    with closing(_in_threads(work, [*compress(jobs, slow)])) as answers:
        for is_slow in slow:
            yield next(answers if is_slow else quick)


def _told_apart(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    chunk: int,
    most: int | None,
    waits: Callable[[Job], bool],
) -> Generator[Result]:
    """The same where many jobs are quick: each process finds out which of its own wait, and leaves them."""
    answers = _computed(partial(_if_quick, work, waits), jobs, chunk, most)
    told = 0
    for answer in answers:
        if answer is None:
            break
        yield answer[0]
        told += 1
    else:
        return
    rest = [None, *answers]  # processes end before threads start, see above
    slow = [job for job, answer in zip(jobs[told:], rest, strict=True) if answer is None]
    with closing(_in_threads(work, slow)) as waited:
        for answer in rest:
            yield next(waited) if answer is None else answer[0]


def _if_quick(work: Callable[[Job], Result], waits: Callable[[Job], bool], job: Job) -> tuple[Result] | None:
    """The result of a job, or None for one that waits."""
    return None if waits(job) else (work(job),)


def run_parts(
    work: Callable[[Job], Result],
    parts: Sequence[Job],
    *,
    spare: int = 0,
    late: Callable[[Result], None] | None = None,
) -> Iterator[Result]:
    """The results of a few large parts that change files, in their order, each part as one.

    They are spread over processes where these can be forked. Where one fails, others may be done, or cut off.

    Args:
        work: as for `run_jobs`; what it raises is raised here.
        parts: as many as there should be processes, or more.
        spare: processes beyond one per CPU, for parts that wait for the disk.
        late: takes the results of parts that were done when nobody asked for results any more, such as after
            Ctrl-C.
    """
    workers = min(cpus() + spare, len(parts))
    if workers < 2 or not can_fork():
        return map(work, parts)
    from .forked import spread  # not on Windows

    return spread(work, [(part,) for part in parts], workers, writes=True, late=late)


def can_fork() -> bool:
    """Whether work may be spread over processes that are forked from this one."""
    return not _Alone.on and _forks() and cpus() > 1


def _in_threads(work: Callable[[Job], Result], jobs: Sequence[Job]) -> Generator[Result]:
    """Yield the results of jobs in their order, from threads that nobody waits for after Ctrl-C."""
    from concurrent.futures import Future
    from contextvars import copy_context
    from queue import SimpleQueue
    from threading import Event, Thread

    count = min(_THREADS, len(jobs))
    asked: SimpleQueue[tuple[Future[Result], Job] | None] = SimpleQueue()
    stopped = Event()

    def serve() -> None:
        while (task := asked.get()) is not None and not stopped.is_set():
            future, job = task
            try:
                future.set_result(work(job))
            except BaseException as error:  # noqa: BLE001 - `result` raises it
                future.set_exception(error)

    for _ in range(count):
        Thread(target=copy_context().run, args=(serve,), daemon=True).start()
    left = iter(jobs)
    waiting: deque[Future[Result]] = deque()

    def ask(number: int) -> None:
        for job in islice(left, number):
            waiting.append(Future())
            asked.put((waiting[-1], job))

    ask(_AHEAD * count)
    try:
        while waiting:
            result = waiting.popleft().result()
            ask(1)
            yield result
    finally:
        stopped.set()
        for _ in range(count):
            asked.put(None)


def _computed(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    chunk: int,
    most: int | None,
    beside: Callable[[], None] | None = None,
) -> Iterator[Result]:
    workers = _workers(len(jobs), chunk, most)
    if workers < 2 or not (_forks() or _can_have_workers()):
        yield from map(work, jobs)
        return
    # The first one is done here: what it looks up, parses or asks the user for then serves all workers.
    yield work(jobs[0])
    chunks = [jobs[start : start + chunk] for start in range(1, len(jobs), chunk)]
    if _forks():
        from .forked import spread  # not on Windows

        yield from spread(work, chunks, workers, beside=beside)
    else:
        yield from _pooled(work, chunks, workers)


def _workers(count: int, chunk: int, most: int | None) -> int:
    """How many processes are worth it for some jobs; fewer than two mean this one."""
    return 1 if _Alone.on else min(most or cpus(), count // (chunk * _CHUNKS_FOR_A_PROCESS))


def _forks() -> bool:
    return sys.platform == "linux"


def _pooled(work: Callable[[Job], Result], chunks: Sequence[Sequence[Job]], workers: int) -> Iterator[Result]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children

    others = set(active_children())
    pool = ProcessPoolExecutor(workers, process_context(), initializer=_Worker.start, initargs=(work, chunks))
    numbers = iter(range(len(chunks)))
    finished = False
    try:
        waiting = deque(pool.submit(_Worker.run, number) for number in islice(numbers, _AHEAD * workers))
        while waiting:
            results = waiting.popleft().result()
            waiting.extend(pool.submit(_Worker.run, number) for number in islice(numbers, 1))
            yield from results
        finished = True
    except BrokenProcessPool:
        raise FluxsecretsError(
            "a worker process was killed",
            hint="the machine may be out of memory; run the command again: what is done stays done",
        ) from None
    finally:
        if not finished:  # nobody waits for what they have begun, least of all after Ctrl-C
            for process in set(active_children()) - others:
                process.terminate()
        pool.shutdown(cancel_futures=True)


def process_context() -> BaseContext:
    """Return how processes are started here."""
    from multiprocessing import get_context

    return get_context("fork" if sys.platform == "linux" else "spawn")


def _can_have_workers() -> bool:
    """Whether the system has the semaphores of pools; not without /dev/shm, as in some containers."""
    try:
        process_context().Lock()
    except (ImportError, OSError):
        return False
    return True


class _Alone:
    """Whether all work stays in this process."""

    on: ClassVar[bool] = False


@contextmanager
def alone() -> Iterator[None]:
    """Keep the work in this process, which is one of many that share the processors."""
    before, _Alone.on = _Alone.on, True
    try:
        yield
    finally:
        _Alone.on = before


class _Worker:
    """What a worker process knows; handed over once, so that its caches serve all of the jobs."""

    work: ClassVar[Callable[[Any], Any]]
    chunks: ClassVar[Sequence[Sequence[Any]]]

    @classmethod
    def start(cls, work: Callable[[Any], Any], chunks: Sequence[Sequence[Any]]) -> None:
        import signal

        # These go to all processes of a terminal; the first one decides, and ends the others.
        for name in ("SIGINT", "SIGHUP", "SIGQUIT"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _end_with_parent()
        cls.work, cls.chunks = work, chunks

    @classmethod
    def run(cls, number: int) -> list[Any]:
        return [cls.work(job) for job in cls.chunks[number]]


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


def cpus() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
