"""Proposals that nobody folds."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.proposals import find_waiting

DAYS = 30

INFO = describe(
    "proposal-waiting",
    Severity.LOW,
    "a proposed value has not been folded for a month",
    why="Flux applies a proposal by a patch beside the Secret. Until it is folded, the Secret's file has "
    "another value than the cluster, and a change of the same key in the file has no effect.",
    fix="run `fluxsecrets fold FILE` with an identity that can decrypt it",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find proposals that could have been folded for longer than `DAYS`."""
    waiting = {each.path: each for each in find_waiting(facts.tree) if each.why_left is None}
    for secret, metadata in facts.encrypted() if waiting else ():
        since = metadata.changed
        if secret.path in waiting and (facts.today - since).days > DAYS:
            target = waiting[secret.path].target
            message = f"a value for {target} was proposed on {since}, and is not folded"
            yield found(INFO, secret.path, None, message)


RULE = AuditRule(INFO, Group.AGE, check)
