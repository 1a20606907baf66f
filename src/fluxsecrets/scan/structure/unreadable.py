"""unreadable-manifest: a file that may hold a Secret, and that nobody can judge.

It is an error rather than a finding, so that no scan passes over it; but as with findings, somebody may have
looked at it and said why it is all right.
"""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Confidence, Finding, Location, RuleInfo, Severity
from fluxsecrets.findings.fingerprint import fingerprint

RULE = RuleInfo(
    id="unreadable-manifest",
    title="manifest that cannot be read",
    severity=Severity.MEDIUM,
    explanation=(
        "The file may hold a Secret, and is no valid YAML or JSON, or too large. The scan fails, since "
        "nobody can tell what is in it."
    ),
    fix="Mend the file; or look at it yourself, and allow this rule for it in .fluxsecrets.yaml.",
    docs="scan.md#unreadable-manifest",
)


def finding(problem: FluxsecretsError, path: str) -> Finding:
    """What an allowance is about; where there is none, the error itself is shown."""
    return Finding(
        rule=RULE.id,
        severity=RULE.severity,
        confidence=Confidence.HIGH,
        location=Location(path, problem.line, problem.column),
        message=problem.message,
        hint=problem.hint or RULE.fix,
        fingerprint=fingerprint(RULE.id, path),
    )
