"""Files whose data key was not changed for long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "data-key-old",
    Severity.LOW,
    "a data key is older than the policy",
    why="Everybody who could ever read the file may still have its data key. A rotation makes what is "
    "written from now on unreadable for them, and is a drill for the day on which it is urgent.",
    fix="`fluxsecrets rotate FILE`, or `fluxsecrets rotate --env NAME`; the policy is "
    "`audit.data_key_days` in .fluxsecrets.yaml",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each file that was not changed for longer than the policy says: its key is at least as old."""
    limit = facts.settings.audit.data_key_days
    for secret, metadata in facts.encrypted():
        changed = date.fromisoformat(metadata.lastmodified[:10])
        days = (facts.today - changed).days
        if days > limit:
            message = f"it was last encrypted on {changed}, {days} days ago; the policy says {limit}"
            yield found(INFO, secret.path, None, message)


RULE = AuditRule(INFO, Group.AGE, check)
