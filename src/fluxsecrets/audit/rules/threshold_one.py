"""Key groups of which any single one is enough."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "threshold-one",
    Severity.MEDIUM,
    "one of several key groups is enough",
    why="Key groups make people of several groups act together. With a threshold of 1, anyone can read "
    "the file alone, although it looks as if they could not.",
    fix="set `shamir_threshold` to 2 or more in the rule, or use one group",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find files with several groups and a threshold of 1. In a rule this is invalid."""
    for secret, metadata in facts.encrypted():
        if len(metadata.key_groups) > 1 and metadata.shamir_threshold == 1:
            message = f"it has {len(metadata.key_groups)} key groups, but one is enough"
            yield found(INFO, secret.path, None, message)


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
