"""Weigh what a scan found against allowances and the baseline, and name what let findings pass."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from fluxsecrets.findings import Finding
from fluxsecrets.findings.model import in_order
from fluxsecrets.marks import BASELINE_NAME, SETTINGS_NAME, archive_of

from .scanjob import ScanJob
from .scanmodel import ScanResult, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from fluxsecrets.findings.allow import AllowedFinding, Remark
    from fluxsecrets.findings.baseline import BaselineEntry, BaselineResult


def weigh(job: ScanJob) -> ScanResult:
    """What is left after allowances and baseline, and what let the rest pass.

    Raises:
        ConfigError: the baseline is invalid.
        FluxsecretsError: the baseline is to be updated, and something could not be judged.
        GitError: git fails.
    """
    found = sorted([*job.findings, *job.unreadable], key=in_order)
    allowed: tuple[AllowedFinding, ...] = ()
    remarks: tuple[Remark, ...] = ()
    if job.inline or job.words or (job.settings is not None and job.settings.allow):
        from fluxsecrets.findings.allow import apply_allowances

        rules = frozenset(rule.id for rule in job.rules())
        weighed = apply_allowances(
            found,
            inline=dict.fromkeys(job.inline),
            listed=() if job.settings is None else job.settings.allow,
            settings_path=SETTINGS_NAME,
            rules=rules,
            complete=job.complete,
            others=() if job.words is None else job.words.excusers,
        )
        found, allowed, remarks = list(weighed.kept), weighed.allowed, weighed.remarks
        if job.words is not None and (job.complete or job.request.config is not None):
            remarks += job.words.remarks
    for each in found:
        if each in job.unreadable:
            job.note_error(job.unreadable[each], each.location.commit, each.location.path)
    found = [each for each in found if each not in job.unreadable]
    return _with_baseline(job, tuple(found), allowed, remarks)


def _with_baseline(
    job: ScanJob, found: tuple[Finding, ...], allowed: tuple[AllowedFinding, ...], remarks: tuple[Remark, ...]
) -> ScanResult:
    result = ScanResult(found, (), allowed, remarks, (), tuple(job.errors), len(job.paths), job.root)
    if job.ciphertexts:
        result = result._replace(ciphertexts=tuple(job.ciphertexts))
    if job.words is not None:
        result = result._replace(rules=job.words.infos)
    if found and job.complete and job.request.config is None:
        from .words import unnamed_files

        result = result._replace(unnamed=unnamed_files(job.root, job.settings))
    if job.request.update_baseline:
        return _updated(job, result)
    entries, path = _baseline(job)
    if path is None:
        return _with_excuses(job, result)
    applied = _applied(job, found, entries)
    return _with_excuses(
        job, result._replace(findings=applied.new, known=applied.known, gone=applied.gone, baseline=path)
    )


def _baseline(job: ScanJob) -> tuple[tuple[BaselineEntry, ...], Path | None]:
    """The entries that count, and their file, or None without one."""
    request = job.request
    if request.baseline is not None:
        from fluxsecrets.findings.baseline import read_baseline

        return read_baseline(request.baseline), request.baseline
    if not request.use_baseline or job.trust.baseline_text is None:
        return (), None
    return job.trust.baseline(), job.root / BASELINE_NAME


def _updated(job: ScanJob, result: ScanResult) -> ScanResult:
    """The result after all that was found was written into the baseline of the work tree."""
    from fluxsecrets.findings.baseline import read_baseline, update_baseline

    if job.errors:
        raise job.errors[0]
    path = job.request.baseline or job.root / BASELINE_NAME
    had = read_baseline(path) if path.exists() else ()
    names = {each.fingerprint for each in had}
    known = frozenset(_applied(job, result.findings, had).known)
    changed = {each for each in result.findings if each.fingerprint in names and each not in known}
    written = update_baseline(path, result.findings, partial(_looked_at, job), changed)
    return result._replace(findings=(), known=result.findings, baseline=path, written=written)


def _applied(job: ScanJob, found: Sequence[Finding], entries: Sequence[BaselineEntry]) -> BaselineResult:
    """The findings by the baseline, and in a repository by the values that it knows."""
    source = job.request.source
    if job.repository is None or source is Source.STDIN or not found or not entries:
        from fluxsecrets.findings.baseline import apply_baseline

        return apply_baseline(found, entries, partial(_looked_at, job))
    from .baselinevalues import Reference, apply_by_value

    named = job.request.baseline
    name = BASELINE_NAME if named is None else job.inside(os.fspath(named), default="")
    before: Sequence[str] = ("HEAD",)
    history = job.part is not None and job.part.is_history
    if job.part is not None and not history:
        before = job.states_before
    reference = Reference(
        before,
        () if job.plan is None or history else job.plan.versions(name),
        name,
        named is not None,
        (lambda path: path not in job.changed) if source is Source.PATHS else (lambda _: False),
        lenient=history or named is not None,
    )
    return apply_by_value(job.repository, job.scanner, reference, entries, found, partial(_looked_at, job))


def _with_excuses(job: ScanJob, result: ScanResult) -> ScanResult:
    """Add the excuses that are as new as the findings that they let pass."""
    known = result.known if job.request.baseline is None else ()
    judged = job.request.source in (Source.STAGED, Source.COMMITS) or job.request.for_commit
    if job.repository is None or not judged or (job.part is not None and job.part.is_history):
        return result
    changed = job.part is not None or job.settings_before != job.trust.settings_text
    if not (result.allowed or known or changed):
        return result
    from .excuses import brought_excuses

    before = ("HEAD",) if job.part is None else job.states_before
    plain = [path for path in sorted(job.paths) if job.set.is_plain(path)]
    return result._replace(
        excuses=brought_excuses(job.repository, before, job.trust, result.allowed, known, plain)
    )


def _looked_at(job: ScanJob, entry: BaselineEntry) -> bool:
    """Whether an entry of the baseline would have been found in this run; `audit` has others."""
    known = {rule.id for rule in job.rules()}
    if job.request.source is not Source.PATHS or entry.rule not in known:
        return False
    return job.complete or not job.paths.isdisjoint((entry.path, archive_of(entry.path)))
