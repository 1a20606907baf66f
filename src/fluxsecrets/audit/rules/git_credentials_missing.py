"""Git repositories without credentials for Flux."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.gitaccess import PUBLIC_HOSTS, flux_sources
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Severity

INFO = describe(
    "git-credentials-missing",
    Severity.MEDIUM,
    "a GitRepository names no credentials",
    why="Over SSH, Flux can't fetch without a key. On a private server, a repository that needs no "
    "credentials can be read by everyone who reaches the server, including all secrets in its "
    "history.",
    fix="create a read-only deploy key, and name its Secret in spec.secretRef",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each GitRepository without a Secret that uses SSH, or a host other than the public ones."""
    for source in flux_sources(facts):
        item = source.item
        if item.kind != "GitRepository" or source.secret or source.provider not in (None, "generic"):
            continue
        ssh = source.scheme == "ssh" or "@" in source.url.partition("://")[2].partition("/")[0]
        if not ssh and (source.host in PUBLIC_HOSTS or source.scheme not in ("http", "https")):
            continue
        message = f"GitRepository {item.name} is fetched from {source.host}, but has no spec.secretRef"
        yield found(
            INFO,
            item.file,
            item.line_at(("spec", "url")),
            message,
            item.name,
            severity=None if ssh else Severity.LOW,
            confidence=Confidence.HIGH if ssh else Confidence.LOW,
        )


RULE = AuditRule(INFO, Group.GIT_ACCESS, check)
