"""Many files: prepared over processes, then replaced in batches; one bad file never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files.reading import FileContent
from fluxsecrets.files.writing import PendingWrite, WriteResult, write_batch

from .parallel import run_jobs
from .record import Record, is_recording, note_file, recording
from .results import FileResult, Outcome

Job = TypeVar("Job")

BATCH = 256
"""Files that are held in memory before they are written together."""

BATCH_SIZE = 32 * 2**20
"""Bytes of new content from which on files are written, however few they are."""


class Prepared(NamedTuple):
    """A file's result, and what is to be written for it to become true.

    Attributes:
        result: what to report once it is written.
        write: the new content, or None where nothing is to be written.
        old: what the file held when it was read; only where many files are changed as one.
    """

    result: FileResult
    write: PendingWrite | None = None
    old: bytes | None = None


def pending_write(content: FileContent, new: bytes) -> PendingWrite:
    """New content for a file that was read.

    Replacing a file does not need the permission to write it, only its folder's. Whoever took the
    permission away meant something by it, so that it holds here as in an editor.

    Raises:
        FileAccessError: the file is read-only.
    """
    if not content.mode & 0o222:
        raise FileAccessError(
            "the file is read-only, so it stays as it is",
            hint="make it writable first (`chmod u+w FILE`), or write the result elsewhere with -o",
        )
    return PendingWrite(content.path, new, expected=replace(content, data=b""))


def process_files(prepare: Callable[[Job], Prepared], jobs: Sequence[Job]) -> Iterator[FileResult]:
    """Prepare files and write them batch by batch.

    All new contents of a batch are complete before its first file is replaced, and each file is
    replaced atomically: a run can be interrupted anywhere and simply be started again.

    Args:
        prepare: makes a file's new content; see `run_jobs` for what it may be.
        jobs: one a file.

    Yields:
        One result a file, in order.
    """
    batch: list[Prepared] = []
    size = 0
    for prepared in prepare_files(prepare, jobs):
        batch.append(prepared)
        size += len(prepared.write.data) if prepared.write is not None else 0
        if len(batch) == BATCH or size >= BATCH_SIZE:
            yield from _write(batch)
            batch, size = [], 0
    yield from _write(batch)


def prepare_files(prepare: Callable[[Job], Prepared], jobs: Sequence[Job]) -> Iterator[Prepared]:
    """Make new contents for files, in order, and write nothing."""
    if is_recording():
        prepare = partial(_with_keys, prepare)
    yield from run_jobs(prepare, jobs)


def _with_keys(prepare: Callable[[Job], Prepared], job: Job) -> Prepared:
    """A file's new content, and whose keys opened the old one."""
    with recording(Record()) as record:
        prepared = prepare(job)
    result = replace(prepared.result, opened_with=tuple(record.keys))
    return prepared._replace(result=result)


def _write(batch: Sequence[Prepared]) -> Iterator[FileResult]:
    written = iter(write_batch([prepared.write for prepared in batch if prepared.write is not None]))
    # All are noted before the first is told: whoever asked may not want to hear of the others.
    results = [_written(prepared, written) for prepared in batch]
    for result in results:
        note_file(result)
    yield from results


def _written(prepared: Prepared, written: Iterator[WriteResult]) -> FileResult:
    error = next(written).error if prepared.write is not None else None
    if error is None:
        return prepared.result
    error.path = prepared.result.path
    return FileResult(
        prepared.result.path, Outcome.FAILED, error=error, opened_with=prepared.result.opened_with
    )
