"""Files that are encrypted for others than their creation rule says."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import by_key, listed
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity

INFO = describe(
    "recipient-drift",
    Severity.HIGH,
    "a file is encrypted for others than its rule names",
    why="Whoever stands in the file and not in the rule can read it although nobody decided so; "
    "whoever stands in the rule alone cannot read it and finds out when it is urgent.",
    fix="bring the files in line: `fluxsecrets recipients sync --all`, after a look at its --dry-run",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each encrypted file with recipients that its rule lacks, or the other way round."""
    for secret, metadata in facts.encrypted():
        rule, config = secret.rule, secret.config
        if rule is None or config is None or not rule.recipients:
            continue
        own = by_key(recipient for group in metadata.recipients for recipient in group)
        ruled = by_key(rule.recipients)
        extra = [recipient for key, recipient in own.items() if key not in ruled]
        missing = [recipient for key, recipient in ruled.items() if key not in own]
        parts = []
        if extra:
            parts.append(f"{listed(extra, facts.names)} can read it and the rule does not name them")
        if missing:
            parts.append(f"the rule names {listed(missing, facts.names)}, who cannot read it")
        if parts:
            yield found(
                INFO,
                secret.path,
                None,
                "; ".join(parts),
                *sorted(key[1] for key in own.keys() ^ ruled.keys()),
                severity=INFO.severity if extra else Severity.MEDIUM,
                related=[Location(config.path, rule.line)],
            )


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
