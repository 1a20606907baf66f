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
    why="People copy a private key to new laptops and backups. A key that never changes opens everything "
    "from any of these places.",
    fix="create a new one: `fluxsecrets rotate --env NAME --identity` for a cluster, `fluxsecrets keys "
    "generate` and `fluxsecrets recipients sync --all` for people; the policy is "
    "`audit.identity_days` in .fluxsecrets.yaml",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each `keys/NAME.pub` whose last change is older than the policy allows."""
    limit = facts.settings.audit.identity_days
    for key in facts.public_keys:
        changed = facts.changed.get(key.path)
        days = (facts.today - changed).days if changed is not None else 0
        if days > limit:
            message = f"the key of {key.name} is {days} days old, from {changed}; the policy allows {limit}"
            yield found(INFO, key.path, None, message)


RULE = AuditRule(INFO, Group.AGE, check)
