"""Identities that are older than the policy."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "identity-old",
    Severity.LOW,
    "an identity is older than the policy",
    why="A private key is copied to new laptops and into backups. One that never changes opens "
    "everything, from any of these places.",
    fix="make a new one: `fluxsecrets rotate --env NAME --identity` for a cluster, `fluxsecrets keys "
    "generate` and `fluxsecrets recipients sync --all` for people; the policy is "
    "`audit.identity_days` in .fluxsecrets.yaml",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each `keys/NAME.pub` whose last change is longer ago than the policy says."""
    limit = facts.settings.audit.identity_days
    for key in facts.public_keys:
        changed = facts.changed.get(key.path)
        days = (facts.today - changed).days if changed is not None else 0
        if days > limit:
            message = f"the key of {key.name} is {days} days old, since {changed}; the policy says {limit}"
            yield found(INFO, key.path, None, message)


RULE = AuditRule(INFO, Group.AGE, check)
