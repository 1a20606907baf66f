"""Files of one environment that another environment's cluster can read."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import by_key, keys_of_clusters
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.naming import name_of

INFO = describe(
    "recipient-of-other-environment",
    Severity.HIGH,
    "another environment's cluster can read a file",
    why="Anyone who gets into staging also gets production's secrets: the cluster's key opens them, and "
    "they are in the same repository.",
    fix="remove the key from the rule, then run `fluxsecrets recipients sync --all`; change the values, "
    "since the old ones stay readable in the history",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file that an environment's cluster key opens although that environment does not apply it."""
    clusters = keys_of_clusters(facts)
    for secret, metadata in facts.encrypted():
        own = by_key(recipient for group in metadata.recipients for recipient in group)
        readers = {name for name, keys in clusters.items() if keys & own.keys()}
        if readers <= {facts.only} or not secret.environments:
            continue
        mine = {key for name in secret.environments for key in clusters.get(name, ())}
        for name, keys in clusters.items():
            for key in sorted(keys & own.keys() - mine):
                if name not in secret.environments:
                    message = (
                        f"the cluster of {name} can read it ({name_of(own[key], facts.names)}), but only "
                        f"{' and '.join(secret.environments)} uses it"
                    )
                    yield found(INFO, secret.path, None, message, name, key[1])


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
