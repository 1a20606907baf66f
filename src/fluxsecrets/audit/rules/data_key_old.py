"""Files whose data key is old."""

from __future__ import annotations

from collections.abc import Iterator

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
    """Find each file that has had its data key for longer than the policy allows."""
    limit = facts.settings.audit.data_key_days
    for path, since in facts.data_keys.items():
        days = (facts.today - since).days
        if days > limit:
            message = f"the data key is {days} days old or older, from {since}; the policy allows {limit}"
            yield found(INFO, path, None, message)


RULE = AuditRule(INFO, Group.AGE, check)
