"""Scan files for secrets in plain text, and weigh what is found against baseline and allowances."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from fluxsecrets.errors import GitError, UsageError
from fluxsecrets.ops.policy.trust import work_tree_trust
from fluxsecrets.ops.run.afterkill import left_behind
from fluxsecrets.repo.git import ended_here
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.cachefile import cache_folder
from fluxsecrets.scan.engine import Engine
from fluxsecrets.scan.scanner import FileScan
from fluxsecrets.scan.sources import SourceFile

from .scanjob import ScanJob
from .scanmodel import ScanRequest, ScanResult, Source
from .weighing import weigh

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Item = TypeVar("Item")

_STANDARD_INPUT = "standard input"

_NOTHING = {
    Source.PATHS: "there is no file to scan",
    Source.STAGED: "nothing is staged",
    Source.COMMITS: "no commit of these adds or changes a file",
    Source.STDIN: "",
}
"""The messages for a scan without files: looking at nothing is not the same as finding nothing."""


@ended_here()
def scan(request: ScanRequest, engine: Engine | None = None) -> ScanResult:
    """Run a scan request.

    Raises:
        UsageError: a path does not exist, or options do not go together.
        GitError: no repository where one is needed, or git fails.
        ConfigError: settings or baseline are invalid.
    """
    if request.source is Source.STAGED and request.begun is None:
        from fluxsecrets.scan.sources.staged import begun

        repository = ScanJob(request, engine).needed()
        with begun(repository) as reading:
            return scan(request._replace(repository=repository, begun=reading), engine)
    if request.source is not Source.COMMITS:
        return _finished(ScanJob(request, engine))
    from .tips import part

    job = ScanJob(request, engine)
    commits = request.commits
    if request.branches:
        from fluxsecrets.scan.sources.commits import branch_arguments

        commits = branch_arguments(job.needed(), request.branches)
    parts = part(job.needed(), commits)
    if len(parts) > 1:
        if request.update_baseline:
            raise UsageError("these commits have baselines of their own", hint="name one branch at a time")
        engine = engine or Engine(cache_folder(os.environ))
    return _joined([_finished(ScanJob(request, engine, each)) for each in parts], job.root)


def _finished(job: ScanJob) -> ScanResult:
    _run(job)
    result = weigh(job)
    if job.request.source is Source.COMMITS:
        from .scancommits import by_secret

        result = by_secret(job, result)
    result = _with_notes(job, result)
    return result if result.files or result.errors else result._replace(nothing=_NOTHING[job.request.source])


def _with_notes(job: ScanJob, result: ScanResult) -> ScanResult:
    """Add what other tools make of the files of the work tree."""
    if not job.notes_uses:
        return result
    from fluxsecrets.repo.othertools import notes_of

    return result._replace(notes=notes_of(job.used()))


def _run(job: ScanJob) -> None:
    """Read and judge every file."""
    source = job.request.source
    try:
        if source is Source.COMMITS:
            from .scancommits import scan_commits

            scan_commits(job)
            return
        for scan in _scans(job):
            job.take(scan)
        _in_context(job)
        if source is Source.PATHS:
            from .scanworktree import add_generators

            add_generators(job)
        job.findings += job.set.finish()
        if source is Source.PATHS and job.findings:
            from .scanworktree import without_unlocked

            without_unlocked(job)
    except GitError as error:
        if not job.paths:
            raise
        job.errors.append(error)


def _scans(job: ScanJob) -> Iterator[FileScan]:
    """What comes of each file."""
    if job.request.source is Source.STAGED:
        from .scanstaged import scan_staged

        return scan_staged(job)
    if job.request.source is Source.STDIN:
        return _stdin(job)
    from .scanworktree import scan_work_tree

    scans = scan_work_tree(job)
    if not (job.request.paths or job.request.environment or job.request.for_commit):
        job.errors += left_behind(os.environ, job.request.cwd)
    return scans


def _stdin(job: ScanJob) -> Iterator[FileScan]:
    job.judge_by(work_tree_trust(job.root))
    name = job.request.filename or _STANDARD_INPUT
    yield job.scanner.scan(SourceFile(name, (Blob(name, job.request.content),)))


def _in_context(job: ScanJob) -> None:
    """Judge plain files by what they were, and by what reads them."""
    repository, source = job.repository, job.request.source
    if repository is None or source is Source.STDIN or not job.paths:
        return
    from .filecontext import staged_generators, were_encrypted, were_encrypted_lately, were_renamed

    before = job.changed if source is Source.PATHS else job.before
    job.findings += were_encrypted(repository, job.set, before)
    if job.listing is not None:
        job.findings += were_renamed(repository, job.set, job.listing)
        staged_generators(repository, job.scanner, job.set, job.beside, job.paths)
    elif not job.request.for_commit:
        job.findings += were_encrypted_lately(repository, job.set, job.paths)


def _joined(results: Sequence[ScanResult], root: Path) -> ScanResult:
    """The results of several parts as one; what stands in several of them is in it once."""
    if len(results) == 1:
        return results[0]
    from .byvalue import joined

    found = ScanResult(
        joined(chain.from_iterable(each.findings for each in results)),
        joined(chain.from_iterable(each.known for each in results)),
        _all(each.allowed for each in results),
        _all(each.remarks for each in results),
        _all(each.gone for each in results),
        _all(each.errors for each in results),
        sum(each.files for each in results),
        root,
        excuses=_all(each.excuses for each in results),
        nothing="" if any(each.files for each in results) else results[0].nothing,
        rules=_all(each.rules for each in results),
    )
    refused = set(found.findings)  # by one of the tips, whatever another one says
    return found._replace(known=tuple(item for item in found.known if item not in refused))


def _all(parts: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(parts)))
