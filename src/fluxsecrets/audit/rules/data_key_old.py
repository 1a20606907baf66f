"""Files whose data key has not changed for a long time."""

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
    why="Everyone who could ever read the file may still have its data key. A rotation keeps new values "
    "from them, and is a drill for the day on which it is urgent.",
    fix="run `fluxsecrets rotate FILE`, or rotate the whole environment; the policy is "
    "`audit.data_key_days` in .fluxsecrets.yaml",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file that has not changed for longer than the policy allows. Its key is at least as old."""
    limit = facts.settings.audit.data_key_days
    for secret, metadata in facts.encrypted():
        changed = date.fromisoformat(metadata.lastmodified[:10])
        days = (facts.today - changed).days
        if days > limit:
            message = f"it was last encrypted on {changed}, {days} days ago; the policy allows {limit}"
            yield found(INFO, secret.path, None, message)


RULE = AuditRule(INFO, Group.AGE, check)
