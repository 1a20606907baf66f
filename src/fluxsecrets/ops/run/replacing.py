"""Make new contents for many files and put them in place, each process its own.

With many files, all would wait for one process that writes what the others make. So the process that made a
batch writes it, and only the results come back. Files are replaced one by one, so that no file waits for
another. What waits for a key service is left to threads of this process, as in `parallel`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from .parallel import alone, can_fork, cpus, run_parts
from .record import note_file
from .results import FileResult, Prepared
from .session import Session
from .writer import prepare_files, preparing, write_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Job = TypeVar("Job")

SPREAD_FROM = 64
"""Files from which processes write their own: fewer are not worth the syncs of more batches."""

_LEAST, _MOST = 16, 64
"""Files of a batch, which share their syncs. Smaller ones keep all processes busy to the end."""

_SPARE = 1
"""Processes beyond those that compute, as some always wait for the disk."""


def replace_files(
    session: Session, prepare: Callable[[Job], Prepared], jobs: Sequence[Job], waits: Callable[[Job], bool]
) -> Iterator[FileResult]:
    """Make new contents and write them batch by batch; a run can be interrupted anywhere and be repeated.

    Args:
        session: the run.
        prepare: makes a file's new content, see `prepare_files`; no two jobs are about the same file.
        jobs: one per file.
        waits: whether a file waits for a key service.

    Returns:
        One result per file, in order. Where a change failed, so has the file.
    """
    if len(jobs) < SPREAD_FROM or not can_fork() or waits(jobs[0]):
        return write_files(session, prepare_files(prepare, jobs, waits), count=len(jobs))
    return _spread(session, prepare, jobs, waits)


def _spread(
    session: Session, prepare: Callable[[Job], Prepared], jobs: Sequence[Job], waits: Callable[[Job], bool]
) -> Iterator[FileResult]:
    # The first one is made here: what it looks up, parses or asks the user for then serves all workers.
    first = next(iter(prepare_files(prepare, jobs[:1])))
    work = partial(_replace, session, prepare, jobs, waits, first)
    told, held = 0, list[FileResult | None]()
    for results in run_parts(work, _parts(len(jobs)), spare=_SPARE, late=_note):
        _note(results)
        held += results
        if not any(result is None for result in held):
            yield from filter(None, held)
            told += len(held)
            held = []
    slow = [job for job, result in zip(jobs[told:], held, strict=True) if result is None]
    answers = write_files(session, prepare_files(prepare, slow, waits), count=len(slow))
    for result in held:
        yield next(answers) if result is None else result


def _note(results: Iterable[FileResult | None]) -> None:
    """Note what is done, also where nobody listens any more."""
    for result in results:
        if result is not None:
            note_file(result)


def _parts(count: int) -> list[range]:
    """Batches of about the same size, as many for each process."""
    workers = cpus() + _SPARE
    size = max(_LEAST, -(-count // (workers * -(-count // (workers * _MOST)))))
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _replace(
    session: Session,
    prepare: Callable[[Job], Prepared],
    jobs: Sequence[Job],
    waits: Callable[[Job], bool],
    first: Prepared,
    part: range,
) -> tuple[FileResult | None, ...]:
    """Replace the files of a part, but for those that wait for a service; None stands for these."""
    slow, make = [], preparing(prepare)

    def prepared() -> Iterator[Prepared]:
        for index in part:
            slow.append(bool(index) and waits(jobs[index]))
            if not slow[-1]:
                yield make(jobs[index]) if index else first

    with alone():
        results = iter(list(write_files(session, prepared())))
    return tuple(None if is_slow else next(results) for is_slow in slow)
