"""Sources that Flux fetches without encryption."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.gitaccess import flux_sources
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.manifests import dig

INFO = describe(
    "git-source-plain",
    Severity.HIGH,
    "Flux fetches a source over plain HTTP",
    why="An attacker on the network can put anything into the cluster, and can read the credentials.",
    fix="use https:// or ssh://",
)
_INSIDE = (".svc", ".svc.cluster.local", ".cluster.local")


def check(facts: Facts) -> Iterator[Finding]:
    """Find each source with an http:// address or `insecure: true`, except those in the cluster itself."""
    for source in flux_sources(facts):
        insecure = source.item.kind == "OCIRepository" and dig(source.item.data, "spec", "insecure") is True
        if (source.scheme != "http" and not insecure) or source.host.endswith(_INSIDE):
            continue
        message = f"{source.item.kind} {source.item.name} is fetched from {source.host} without encryption"
        line = source.item.line_at(("spec", "url"))
        yield found(INFO, source.item.file, line, message, source.item.name)


RULE = AuditRule(INFO, Group.GIT_ACCESS, check)
