"""What `scan` and `audit` found, as every format of findings takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from fluxsecrets.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.errors import FluxsecretsError
    from fluxsecrets.findings import Finding, RuleInfo
    from fluxsecrets.findings.allow import AllowedFinding, Remark
    from fluxsecrets.findings.baseline import BaselineEntry, Written
    from fluxsecrets.ops.checks.audit import AuditResult
    from fluxsecrets.ops.checks.excuses import Excuse
    from fluxsecrets.repo.tree import Note


@dataclass(frozen=True, slots=True)
class Found:
    """Findings, whichever command they are of.

    Attributes:
        gone: entries of the baseline that are not found any more.
        summary: what it comes to, in half a sentence.
        rules: gives all rules that could have found something.
        listed: the findings that count, in the order for people.
        excuses: what let findings pass, and came with the same commits.
        brought_by: what brought the excuses, with its verb.
        remaining: what was not looked at, one sentence each.
        advice: what to do about many findings at once, for readers of text.
        written: what was written to it, or None.
        audited: what an audit has besides; None for other commands.
        everything: list all findings as text, even if many files have those of one rule.
        lists_all: what lists all findings, and its verb.
    """

    command: str
    version: str
    root: Path
    files: int
    findings: Sequence[Finding]
    known: Sequence[Finding]
    allowed: Sequence[AllowedFinding]
    remarks: Sequence[Remark]
    gone: Sequence[BaselineEntry]
    summary: str
    rules: Callable[[], Iterable[RuleInfo]]
    listed: Sequence[Finding]
    errors: Sequence[FluxsecretsError] = ()
    excuses: Sequence[Excuse] = ()
    brought_by: str = "what is scanned brings"
    notes: Sequence[Note] = ()
    remaining: Sequence[str] = ()
    advice: Sequence[str] = ()
    baseline: Path | None = None
    written: Written | None = None
    audited: AuditResult | None = None
    everything: bool = False
    lists_all: str = "--all lists them"
