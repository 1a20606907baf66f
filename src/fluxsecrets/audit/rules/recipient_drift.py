"""Files with other recipients than their creation rule."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import by_key, listed, unfinished_removals
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.sops.recipients import recipient_key

INFO = describe(
    "recipient-drift",
    Severity.HIGH,
    "a file has other recipients than its rule",
    why="A recipient in the file but not in the rule can read it, although nobody decided so. A recipient "
    "only in the rule can't read it, and finds out when it is urgent.",
    fix="run `fluxsecrets recipients sync --all`, after checking its --dry-run",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each encrypted file whose recipients differ from its rule.

    People whose removal is not finished are left to `removal-unfinished`.
    """
    left = {recipient_key(each.leaver.recipient) for each in unfinished_removals(facts)}
    for secret, metadata in facts.encrypted():
        rule, config = secret.rule, secret.config
        if rule is None or config is None or not rule.recipients:
            continue
        own = by_key(recipient for group in metadata.recipients for recipient in group)
        ruled = by_key(rule.recipients)
        extra = [recipient for key, recipient in own.items() if key not in ruled and key not in left]
        missing = [recipient for key, recipient in ruled.items() if key not in own]
        parts = []
        if extra:
            parts.append(f"{listed(extra, facts.names)} can read it, but the rule does not name them")
        if missing:
            parts.append(f"the rule names {listed(missing, facts.names)}, who cannot read it")
        if parts:
            yield found(
                INFO,
                secret.path,
                None,
                "; ".join(parts),
                *sorted(key[1] for key in (own.keys() - left) ^ ruled.keys()),
                severity=INFO.severity if extra else Severity.MEDIUM,
                related=[Location(config.path, rule.line)],
            )


RULE = AuditRule(INFO, Group.RECIPIENTS, check, for_applied=True)
