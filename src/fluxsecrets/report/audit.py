"""What an audit found, for the formats of findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.ops.checks.audit import AuditResult, all_rules

from .found import Found
from .text import counted, printable

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding

_SEVERITIES = ("critical", "high", "medium", "low")


def found_by_audit(result: AuditResult, version: str) -> Found:
    """The findings of an audit; for people the worst come first."""
    return Found(
        "audit",
        version,
        result.root,
        result.files,
        result.findings,
        result.known,
        result.allowed,
        result.remarks,
        result.gone,
        "; ".join(
            (
                _found(result.findings),
                f"{counted(result.files, 'secret file')} judged",
                *_by_environment(result),
                *_not_analysed(result),
            )
        ),
        all_rules,
        listed=_worst_first(result.findings),
        notes=result.notes,
        remaining=(*_unseen(result), *_left_out(result)),
        baseline=result.baseline,
        written=result.written,
        audited=result,
    )


def _not_analysed(result: AuditResult) -> Iterator[str]:
    if result.others:
        yield f"not analysed: {', '.join(result.others)}"


def _unseen(result: AuditResult) -> Iterator[str]:
    """Say of how many files the values were not looked at, for each reason."""
    if not result.looks_at_values:
        return
    closed = result.encrypted - result.opened - result.undecided
    for count, why in (
        (closed, "no identity at hand opens them" if result.with_keys else "--no-keys"),
        (result.undecided, "a key service gave no answer, or an identity stayed locked"),
    ):
        if count:
            yield f"the values in {counted(count, 'encrypted file')} were not looked at: {why}"


def _left_out(result: AuditResult) -> Iterator[str]:
    """Rules that had nothing to look at."""
    ids = result.without_environments
    if ids:
        yield (
            f"no environment was found, so {counted(len(ids), 'rule')} about what Flux applies found "
            f"nothing: {', '.join(ids)}; see `fluxsecrets env suggest`"
        )


def _by_environment(result: AuditResult) -> Iterator[str]:
    """Such as `production: 2 high`, if every environment was asked for."""
    for each in result.environments:
        if each.environment is not None or each.findings:
            name = printable(each.environment) if each.environment is not None else "outside of all"
            yield f"{name}: {_severities(each.findings) or 'nothing found'}"


def _worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Findings by file: the file with the worst one first, and in a file the worst first."""
    worst: dict[str, int] = {}
    for finding in findings:
        path = finding.location.path
        worst[path] = max(worst.get(path, 0), finding.severity)
    return sorted(
        findings,
        key=lambda item: (
            -worst[item.location.path],
            item.location.path,
            -item.severity,
            item.location.line or 0,
            item.rule,
        ),
    )


def _found(findings: Sequence[Finding]) -> str:
    if not findings:
        return "nothing found"
    files = len({finding.location.path for finding in findings})
    return f"{counted(len(findings), 'finding')} in {counted(files, 'file')}: {_severities(findings)}"


def _severities(findings: Sequence[Finding]) -> str:
    counts = Counter(str(finding.severity) for finding in findings)
    return ", ".join(f"{counts[name]} {name}" for name in _SEVERITIES if counts[name])
