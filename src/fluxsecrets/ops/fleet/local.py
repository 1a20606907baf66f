"""Tasks in processes of this machine. A process that is killed takes nothing with it but its own task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from fluxsecrets.ops.run.parallel import cpus, process_context

from .task import RepositoryTask, run_task
from .wire import Problem, RepositoryResult, decode

ATTEMPTS = 3
"""How often a task is begun whose process is killed."""

Work = Callable[[tuple[object, ...]], str]


def run_here(
    tasks: Sequence[RepositoryTask], work: Work = run_task, workers: int | None = None
) -> Iterator[tuple[RepositoryTask, RepositoryResult]]:
    """Yield the results of tasks, in the order in which they are done.

    Args:
        tasks: what to do.
        work: what does it; a function of a module.
        workers: processes; as many as there are processors unless given.

    Raises:
        FormatError: a process sent something else than a result.
    """
    several = min(workers or cpus(), len(tasks))
    if several < 2 and workers is None:
        for task in tasks:
            yield task, decode(work(tuple(task)))
        return
    waiting, suspects = deque(range(len(tasks))), list[int]()
    while waiting:
        for number, text in _until_killed(tasks, waiting, several, work):
            if text is None:
                suspects.append(number)
            else:
                yield tasks[number], decode(text)
    for number in suspects:  # one of those that were under way is the cause: each comes alone now
        yield tasks[number], _alone(tasks[number], work)


def _until_killed(
    tasks: Sequence[RepositoryTask], waiting: deque[int], workers: int, work: Work
) -> Iterator[tuple[int, str | None]]:
    """Take tasks until a process is killed: number and result, or None for those that were under way then."""
    pool = ProcessPoolExecutor(workers, process_context())
    running: dict[Future[str], int] = {}
    broken = False
    try:
        while running or (waiting and not broken):
            while waiting and not broken and len(running) < workers:
                number = waiting.popleft()
                running[pool.submit(work, tuple(tasks[number]))] = number
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                number = running.pop(future)
                broken = broken or isinstance(future.exception(), BrokenProcessPool)
                yield number, None if future.exception() is not None else future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(task: RepositoryTask, work: Work) -> RepositoryResult:
    for _ in range(ATTEMPTS - 1):
        with ProcessPoolExecutor(1, process_context()) as pool:
            future = pool.submit(work, tuple(task))
            if future.exception() is None:
                return decode(future.result())
    return RepositoryResult(problems=(killed(ATTEMPTS),))


def killed(times: int) -> Problem:
    """Return the error for a repository whose scan was killed again and again."""
    return Problem(
        f"the process that scanned this repository was killed {times} times",
        "the machine may be out of memory: scan this repository by itself",
    )
