"""Certificates in Secrets that have expired or expire soon."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.certificates import certificates
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import secret_values
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "certificate-ends",
    Severity.HIGH,
    "a certificate in a Secret has expired or expires soon",
    why="Clients refuse an expired certificate, and nothing renews one that is in a repository.",
    fix="put a new one in with `fluxsecrets edit FILE`, or let cert-manager create it; "
    "`audit.certificate_days` in .fluxsecrets.yaml sets how early this is reported",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each value with a certificate that has expired, or expires within the policy's days."""
    for value in secret_values(facts):
        ends = certificates(value.data)
        if not ends:
            continue
        first = min(ends, key=lambda each: each.end)
        days = (first.end - facts.today).days
        if days >= facts.settings.audit.certificate_days:
            continue
        what = f"the certificate of {first.name!a}" if first.name else "a certificate"
        when = f"expired on {first.end}" if days < 0 else f"expires on {first.end}"
        yield found(
            INFO,
            value.secret.path,
            value.line,
            f"{what} in {value.shown} {when}",
            value.shown,
            severity=None if days < 0 else Severity.MEDIUM,
        )


RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
