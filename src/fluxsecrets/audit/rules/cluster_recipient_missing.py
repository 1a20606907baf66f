"""Files that the cluster that applies them cannot read."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import keys_of_clusters
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.servicekeys import keys_of
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.recipients import KINDS, recipient_key

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
        if any(not KINDS[one.kind].local for one in keys_of(metadata)):
            continue  # the cluster may have a role for a service's key, which nothing here tells
        own = {recipient_key(recipient) for recipient in keys_of(metadata)}
        for name in (facts.only,) if facts.only is not None else secret.environments:
            if name in clusters and not clusters[name] & own and _applied(facts, name, secret.path):
                yield found(INFO, secret.path, None, f"the cluster of {name} cannot read it", name)


def _applied(facts: Facts, name: str, path: str) -> bool:
    """Whether Flux applies the file, and not just a file in the environment's folder."""
    environment = facts.environment(name)
    return path in environment.graph.files or path in environment.generator_files


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
