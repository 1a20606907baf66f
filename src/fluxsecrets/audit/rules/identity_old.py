"""Identities that are older than the policy."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import keys_of_clusters
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.publickeys import PublicKey
from fluxsecrets.shell import command_for
from fluxsecrets.sops.recipients import age, read_recipient, recipient_key

INFO = describe(
    "identity-old",
    Severity.LOW,
    "an identity is older than the policy",
    why="People copy a private key to new laptops and backups. A key that never changes opens everything "
    "from any of these places.",
    fix="create a new one, and give the files new data keys; the policy is `audit.identity_days` in "
    ".fluxsecrets.yaml",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each `keys/NAME.pub` whose last change is older than the policy allows."""
    limit = facts.settings.audit.identity_days
    for key in facts.public_keys:
        changed = facts.changed.get(key.path)
        days = (facts.today - changed).days if changed is not None else 0
        if days > limit:
            message = f"the key of {key.name} is {days} days old, from {changed}; the policy allows {limit}"
            yield found(INFO, key.path, None, message, hint=_hint(facts, key))


def _hint(facts: Facts, key: PublicKey) -> str:
    """The command for the key of a cluster, or of a person."""
    own = {recipient_key(read_recipient(text) or age(text)) for text in key.recipients}
    name = next((name for name, keys in keys_of_clusters(facts).items() if keys & own), None)
    policy = "the policy is `audit.identity_days` in .fluxsecrets.yaml"
    if name is not None:
        return f"create a new one: `{command_for('rotate', environment=name)} --identity`; {policy}"
    return (
        f"{key.name} creates a new one with `fluxsecrets keys generate`; put it into {key.path}, and run "
        f"`fluxsecrets recipients sync --all`; {policy}"
    )


RULE = AuditRule(INFO, Group.AGE, check)
