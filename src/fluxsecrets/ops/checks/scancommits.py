"""Scan commits: what they brought, judged by the state of their tip."""

from __future__ import annotations

import os

from fluxsecrets.ops.policy.staterules import CommitFiles
from fluxsecrets.repo.git.survey import Period
from fluxsecrets.scan.cachefile import cache_folder
from fluxsecrets.scan.clean import CleanContents, judged_by
from fluxsecrets.scan.prepared import known_as
from fluxsecrets.scan.sources import unread
from fluxsecrets.scan.sources.commits import Unit, plan

from .byvalue import Weighed, by_value
from .commitcontext import CommitContext
from .oldfaults import sorted_out
from .scanhistory import in_order, judged
from .scanjob import ScanJob
from .scanmodel import ScanResult

TYPE_CHECKING = False
if TYPE_CHECKING:  # a push of a few commits does without
    from fluxsecrets.scan.changes import KnownChanges

_MANY = 200
"""Commits or contents from which knowing those of earlier runs is worth its reading."""


def scan_commits(job: ScanJob) -> None:
    """Read and judge what commits brought.

    Raises:
        GitError: git fails.
        ConfigError: settings or rules of their state are invalid.
    """
    repository, part = job.needed(), job.part
    assert part is not None  # noqa: S101 - `scan` gives one with commits
    job.judge_by(part.trust, files=CommitFiles(repository, part.tip) if part.tip else None)
    partial, period = job.request.partial_history, job.request.period or Period()
    found = job.plan = plan(
        repository,
        part.arguments,
        job.is_chosen,
        part.loose,
        partial=partial,
        period=period,
        known=lambda commits: _known_changes(job, len(commits)),
    )
    known = _known_clean(job, len(found.units))
    context = CommitContext(found)
    lost: list[Unit] = []
    judging = judged(repository, job.scanner, found.units, jobs=job.request.jobs, known=known)
    results = job.watched(judging, len(found.units))
    for place, scan in in_order(found, results, lost):
        if scan is None:
            job.paths.add(place.path)
            context.add_plain(place)
        else:
            job.take(scan)
            context.add(place, scan)
    if known is not None:
        known.save()
    job.errors += found.problems
    if lost:
        places = [(unit.places[0].path, found.commits[unit.places[0].first]) for unit in lost]
        job.errors.append(unread.contents(repository.root, places, len(found.units)))
    job.findings += context.findings(repository, job.scanner, job.states_before)


def by_secret(job: ScanJob, result: ScanResult) -> ScanResult:
    """The result with one finding per secret; what could not be judged is an error if a branch has it still.

    Raises:
        GitError: git fails.
    """
    if job.plan is None:
        return result
    ends = job.part.tips if job.part is not None else ()
    before = Weighed(result.findings, result.known, result.allowed)
    weighed = by_value(job.needed(), job.plan, before, ends)
    errors, remarks = sorted_out(job.needed(), job.plan, job.faults, ends)
    return result._replace(
        findings=weighed.findings,
        known=weighed.known,
        allowed=weighed.allowed,
        errors=(*result.errors, *errors),
        remarks=(*result.remarks, *remarks),
    )


def _known_changes(job: ScanJob, count: int) -> KnownChanges | None:
    """What earlier runs know of commits, or None if it is not asked for, or not worth its reading."""
    folder = cache_folder(os.environ)
    if folder is None or not job.request.use_cache or count < _MANY:
        return None
    from fluxsecrets.scan.changes import KnownChanges

    return KnownChanges(folder, job.needed().common_dir)


def _known_clean(job: ScanJob, count: int) -> CleanContents | None:
    """What earlier runs found clean, or None if it is not asked for, or not worth its reading."""
    folder = cache_folder(os.environ)
    if folder is None or not job.request.use_cache or count < _MANY:
        return None
    custom = None if job.words is None else job.words.custom
    decides = judged_by(known_as(folder), "" if custom is None else custom.identity)
    return CleanContents(folder, job.needed().common_dir, decides)
