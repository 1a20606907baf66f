"""Scan files of the work tree: all of them, those of an environment, or those that are named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError
from fluxsecrets.marks import archive_of
from fluxsecrets.ops.policy.trust import (
    INDEX,
    Trust,
    state_reader,
    take_trust,
    trusted_names,
    with_named,
    work_tree_trust,
)
from fluxsecrets.repo.git import BLOB_LIMIT
from fluxsecrets.scan.scanner import FileScan, scan_path

from .scanjob import ScanJob

_MANY = 200
"""Files from which a second process is worth its start."""

_CHUNK = 32

_BEFORE = 2
"""Results from which on the processes have been told what to do: the first one comes from this process."""


def scan_work_tree(job: ScanJob) -> Iterator[FileScan]:
    """Read and judge files of the work tree.

    Raises:
        FileAccessError: a named file does not exist.
        ConfigError: settings or rules are invalid, or the environment is unknown.
    """
    if job.request.environment is None and not job.request.paths:
        return _whole(job)
    job.judge_by(_trust(job))
    outside: Sequence[str] = ()
    if job.request.environment is not None:
        paths: Sequence[str] = _environment(job, job.request.environment)
    else:
        paths, outside = _named(job)
    return chain(_read(job, job.root, paths), _read(job, job.request.cwd, outside))


def _whole(job: ScanJob) -> Iterator[FileScan]:
    """Read and judge all files."""
    with job.listing_begun():
        job.judge_by(_trust(job))
        _ = job.scanner.engine  # it is loaded while git lists the files
    job.complete = True
    return _read(job, job.root, job.listed)


def _trust(job: ScanJob) -> Trust:
    """What files of the work tree are judged by: the index, where they stand for what is committed."""
    if not job.request.for_commit:
        return work_tree_trust(job.root)
    repository = job.needed()
    trust = take_trust(repository.read_objects(trusted_names(INDEX), limit=BLOB_LIMIT))
    return with_named(trust, state_reader(repository, INDEX))


def _read(job: ScanJob, root: Path, paths: Sequence[str]) -> Iterator[FileScan]:
    """The files at some paths, in several processes where there are many."""
    work = partial(scan_path, job.scanner, os.fspath(root), BLOB_LIMIT)
    if len(paths) < _MANY:
        scans: Iterable[FileScan | None] = map(work, paths)
    else:
        from fluxsecrets.ops.run.parallel import run_jobs

        _ = job.scanner.engine  # made here, it serves all that are forked
        scans = run_jobs(work, paths, chunk=_CHUNK, most=job.request.jobs)
        if job.complete:
            scans = _looking_ahead(job, iter(scans))
    return (scan for scan in job.watched(iter(scans), len(paths)) if scan is not None)


def _looking_ahead(job: ScanJob, scans: Iterator[FileScan | None]) -> Iterator[FileScan | None]:
    """The results; while processes work on most of them, this one does what follows the last one."""
    yield from islice(scans, _BEFORE)
    job.look_ahead()
    yield from scans


def _environment(job: ScanJob, name: str) -> tuple[str, ...]:
    from fluxsecrets.repo.environments import find_environment
    from fluxsecrets.repo.tree import open_tree

    return tuple(sorted(find_environment(open_tree(job.root), name).files))


def _named(job: ScanJob) -> tuple[list[str], list[str]]:
    """Named files and folders: those in the repository from its root, the others as they were named."""
    inside: dict[str, None] = {}
    outside: dict[str, None] = {}
    for text in job.request.paths:
        place = job.request.cwd / text
        if not os.path.lexists(place):
            raise FileAccessError("there is no such file", hint="check the spelling of the path", path=text)
        relative = os.path.relpath(place, job.root).replace(os.sep, "/")
        is_inside = relative != ".." and not relative.startswith("../")
        if not job.request.for_commit and (problem := _not_judged(job, place, text, is_inside)):
            job.errors.append(problem)
            continue
        if not place.is_dir():
            (inside if is_inside else outside)[relative if is_inside else text] = None
            continue
        base = ("" if relative == "." else relative) if is_inside else text.rstrip("/")
        into = inside if is_inside else outside
        into.update(dict.fromkeys(_below(job, place, base, listed=is_inside)))
    return list(inside), list(outside)


def _not_judged(job: ScanJob, place: Path, text: str, is_inside: bool) -> FluxsecretsError | None:
    """Why a named path is not looked at: no scan passes for want of reading.

    In a commit a link is the text of where it leads, and stands for no other file.
    """
    from fluxsecrets.scan.sources.worktree import not_a_file

    root = os.path.realpath(job.root)
    above = os.path.realpath(place.parent)
    if is_inside and os.path.realpath(place) != root and not Path(above).is_relative_to(root):
        return FileAccessError(
            "is behind a link that leaves the repository, so it was not scanned",
            hint="name it where it is",
            path=text,
        )
    return not_a_file(place, text)


def _below(job: ScanJob, place: Path, base: str, *, listed: bool) -> Iterable[str]:
    if listed and job.repository is not None:
        found = job.repository.files([base] if base else [])
        if found:
            return found
    from fluxsecrets.repo.tree import walk_files

    return (f"{base}/{path}" if base else path for path in walk_files(place))


def add_generators(job: ScanJob) -> None:
    """Take in kustomization files that were not scanned and may read what was."""
    if job.complete:
        return
    if any(map(job.set.is_plain, job.paths)):
        from .generators import lying_generators

        there = [path for path in lying_generators(job.root, job.listed) if path not in job.paths]
        for scan in _read(job, job.root, there):
            for scanned in scan.scanned:
                job.set.add_generators(scanned)


def without_unlocked(job: ScanJob) -> None:
    """Take out what is plain only because git-crypt is unlocked: git stores and sends it encrypted."""
    if job.repository is None or job.request.for_commit or not job.findings:
        return
    from fluxsecrets.repo.gitcrypt import unlocked_files

    unlocked = unlocked_files(job.repository, {archive_of(each.location.path) for each in job.findings})
    if unlocked:
        job.findings = [each for each in job.findings if archive_of(each.location.path) not in unlocked]
