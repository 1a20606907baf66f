"""Key groups of which any single one is enough."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "threshold-one",
    Severity.MEDIUM,
    "several key groups, and one is enough",
    why="Key groups are there so that people of several groups have to act together. With a threshold "
    "of 1 everybody can read the file alone, and it looks as if they could not.",
    fix="set `shamir_threshold` to 2 or more in the rule, or use one group",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Files with several groups and a threshold of 1; in a rule that is invalid."""
    for secret, metadata in facts.encrypted():
        if len(metadata.key_groups) > 1 and metadata.shamir_threshold == 1:
            message = f"it has {len(metadata.key_groups)} key groups, and one is enough"
            yield found(INFO, secret.path, None, message)


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
