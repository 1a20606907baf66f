"""Files that the cluster that applies them cannot read."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import keys_of_clusters
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.recipients import recipient_key

INFO = describe(
    "cluster-recipient-missing",
    Severity.HIGH,
    "a cluster cannot read a file that it applies",
    why="Flux stops at the Kustomization with this file, and no longer applies anything else in it.",
    fix="add the cluster's key to the rule, then run `fluxsecrets recipients sync FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each encrypted file of an environment that none of its cluster's keys can open."""
    clusters = keys_of_clusters(facts)
    for secret, metadata in facts.encrypted():
        own = {recipient_key(recipient) for group in metadata.recipients for recipient in group}
        for name in (facts.only,) if facts.only is not None else secret.environments:
            if name in clusters and not clusters[name] & own and _applied(facts, name, secret.path):
                yield found(INFO, secret.path, None, f"the cluster of {name} cannot read it", name)


def _applied(facts: Facts, name: str, path: str) -> bool:
    """Whether Flux applies the file, and not just a file in the environment's folder."""
    environment = facts.environment(name)
    return path in environment.graph.files or path in environment.generator_files


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
