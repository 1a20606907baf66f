"""Sealing certificates that have expired or expire soon."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "sealing-certificate-ends",
    Severity.MEDIUM,
    "a sealing certificate has expired or expires soon",
    why="kubeseal refuses to seal for an expired certificate, and the controller has created new keys "
    "since. Values sealed for an old key are lost when that key is deleted.",
    fix="fetch the current one from the controller, and list it under sealing_certificates",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each environment whose newest certificate expires within the policy's days, or cannot be read."""
    for environment in dict.fromkeys(each.environment for each in facts.sealing):
        own = [each for each in facts.sealing if each.environment == environment]
        for each in own:
            if each.error is not None:
                yield found(INFO, each.path, each.error.line, each.error.message, hint=each.error.hint)
        usable = [(each.certificate.end.date(), each.path) for each in own if each.certificate is not None]
        if not usable:
            continue
        end, path = max(usable)
        days = (end - facts.today).days
        if days < facts.settings.audit.certificate_days:
            when = f"expired on {end}" if days < 0 else f"expires on {end}"
            severity = Severity.HIGH if days < 0 else None
            message = f"the last sealing certificate of {environment} {when}"
            yield found(INFO, path, None, message, environment, severity=severity)


RULE = AuditRule(INFO, Group.AGE, check)
