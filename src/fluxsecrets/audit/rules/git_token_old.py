"""Tokens for git that have not changed for a long time."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.gitaccess import flux_sources
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import key_argument
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.manifests import dig
from fluxsecrets.repo.objects import Object
from fluxsecrets.sops.document import Path

INFO = describe(
    "git-token-old",
    Severity.MEDIUM,
    "a token for a source is older than the policy",
    why="People copy tokens into shells, scripts and chats. Each year, more of them know a token that "
    "never changes.",
    fix="create a new token, put it in with `fluxsecrets set FILE KEY --stdin`, and revoke the old one; "
    "the policy is `audit.token_days` in .fluxsecrets.yaml",
)
_KEYS = frozenset({"password", "bearerToken"})


def check(facts: Facts) -> Iterator[Finding]:
    """Find each encrypted file with a token for a source that has not changed for that long."""
    limit = facts.settings.audit.token_days
    encrypted = {secret.path: metadata for secret, metadata in facts.encrypted()}
    seen = set()
    for source in flux_sources(facts):
        for each in source.credentials:
            metadata = encrypted.get(each.item.file)
            if metadata is None or not _KEYS & set(each.provision.keys or ()) or each.item.file in seen:
                continue
            seen.add(each.item.file)
            days = (facts.today - metadata.changed).days
            if days > limit:
                name = shown(each.provision.namespace, each.provision.name)
                message = f"the token in Secret {name} is {days} days old or more; the policy allows {limit}"
                yield found(
                    INFO,
                    each.item.file,
                    each.provision.line,
                    message,
                    name,
                    words={"KEY": key_argument(_place(each.item))},
                )


def _place(item: Object) -> Path:
    """Where the token is in its Secret."""
    places = [(field, key) for field in ("stringData", "data") for key in sorted(_KEYS, reverse=True)]
    return next((each for each in places if dig(item.data, *each) is not None), places[0])


RULE = AuditRule(INFO, Group.AGE, check)
