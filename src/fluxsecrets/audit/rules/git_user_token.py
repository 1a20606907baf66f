"""Git repositories that Flux reads with a token of a person or an account."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import Provided, shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.gitaccess import flux_sources
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import secret_values
from fluxsecrets.findings import Confidence, Finding, Location, Severity

INFO = describe(
    "git-user-token",
    Severity.LOW,
    "Flux reads git with an account's token",
    why="A password or token opens everything that its account can open, often with write access, and "
    "ends when the person leaves. A deploy key opens one repository, for reading.",
    fix="create a read-only deploy key: `flux create secret git`, and use an ssh:// address in the "
    "GitRepository",
)
_TOKENS = ("ghp_", "gho_", "glpat-", "ATBB")
"""What tokens of people begin with: GitHub's classic ones, GitLab's, Bitbucket's."""


def check(facts: Facts) -> Iterator[Finding]:
    """Find each Secret of a GitRepository with a password or bearer token."""
    seen = set()
    for source in flux_sources(facts):
        for each in source.credentials if source.item.kind == "GitRepository" else ():
            keys = each.provision.keys or ()
            place = (each.item.file, each.provision.line)
            if place in seen or "identity" in keys or not {"password", "bearerToken"} & set(keys):
                continue
            seen.add(place)
            name = shown(each.provision.namespace, each.provision.name)
            personal = _is_personal(facts, each)
            what = "a personal access token" if personal else "a password or token"
            message = f"GitRepository {source.item.name} is read with {what}: Secret {name}"
            yield found(
                INFO,
                *place,
                message,
                name,
                severity=Severity.MEDIUM if personal else None,
                confidence=Confidence.HIGH if personal else Confidence.MEDIUM,
                related=[Location(source.item.file, source.item.line)],
            )


def _is_personal(facts: Facts, each: Provided) -> bool:
    """Whether the value, if it can be decrypted, is a token of a person."""
    return any(
        value.secret.path == each.item.file
        and value.key in ("password", "bearerToken")
        and (value.plain or "").startswith(_TOKENS)
        for value in secret_values(facts)
    )


RULE = AuditRule(INFO, Group.GIT_ACCESS, check)
