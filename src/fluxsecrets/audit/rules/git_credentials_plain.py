"""Plain-text credentials for Flux's sources in the repository."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.gitaccess import flux_sources
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity

INFO = describe(
    "git-credentials-plain",
    Severity.CRITICAL,
    "credentials for a source are in plain text",
    why="Anyone who can read this repository can read the source too. With a write token, they can change "
    "what the cluster runs.",
    fix="revoke the key or token now, create a new one, and encrypt its Secret: `fluxsecrets encrypt FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each unencrypted Secret with which Flux fetches a source."""
    seen = set()
    for source in flux_sources(facts):
        for each in source.credentials:
            place = (each.item.file, each.provision.line)
            if each.provision.how != "plain" or not each.provision.keys or place in seen:
                continue
            seen.add(place)
            name = shown(each.provision.namespace, each.provision.name)
            message = (
                f"{source.item.kind} {source.item.name} is fetched with Secret {name}, which is in plain text"
            )
            yield found(INFO, *place, message, name, related=[Location(source.item.file, source.item.line)])


RULE = AuditRule(INFO, Group.GIT_ACCESS, check)
