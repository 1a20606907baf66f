"""The same work on many files, spread over processes where there is enough of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

from fluxsecrets.errors import FluxsecretsError

Job = TypeVar("Job")
Result = TypeVar("Result")

MIN_JOBS = 48
"""Below this many files a second process costs more than it saves."""

_CHUNK = 16


def run_jobs(work: Callable[[Job], Result], jobs: Sequence[Job], *, chunk: int = _CHUNK) -> Iterator[Result]:
    """The results of all jobs in their order, as they come.

    Args:
        work: a module-level function, or a partial of one with picklable arguments. It reports a
            file's failure in its result and raises nothing.
        jobs: picklable.
        chunk: how many go to a process at a time; it takes three of these for a second process.

    Raises:
        FluxsecretsError: a worker process died.
    """
    workers = min(_cpus(), len(jobs) // (chunk * 3 // 2))
    if workers < 2:
        yield from map(work, jobs)
        return
    # The first one is done here: what it looks up, parses or asks the user for then serves all workers.
    yield work(jobs[0])
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # Forking keeps what is imported and parsed already; elsewhere threads of the system forbid it.
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(workers, context, initializer=_Worker.start, initargs=(work,)) as pool:
        try:
            yield from pool.map(_Worker.run, jobs[1:], chunksize=chunk)
        except BrokenProcessPool:
            raise FluxsecretsError(
                "a worker process was killed",
                hint="the machine may be out of memory; run the command again: what is done stays done",
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """The work of a worker process: handed over once, so that its caches serve all of the jobs."""

    work: ClassVar[Callable[[Any], Any]]

    @classmethod
    def start(cls, work: Callable[[Any], Any]) -> None:
        # Ctrl-C goes to all processes of a terminal; the first one decides, and ends the others.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _end_with_parent()
        cls.work = work

    @classmethod
    def run(cls, job: Any) -> Any:
        return cls.work(job)


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
