"""AWS keys that are used through a role of another account."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, findings, keys_of
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.arns import key_arn, role_arn
from fluxsecrets.sops.naming import short_recipient

INFO = describe(
    "role-of-other-account",
    Severity.LOW,
    "an AWS key is used through a role of another account",
    why="The key's policy and the role's both have to allow decrypting, and the administrators of the "
    "other account decide who may assume the role.",
    fix="use a role of the key's account, or check who may assume this one; accept the finding if that "
    "is wanted",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each key whose role is of another account than the key."""
    yield from findings(
        INFO,
        (
            Flaw(secret.path, f"{short_recipient(one)} uses a role of another account than the key's")
            for secret, metadata in facts.encrypted()
            for one in keys_of(metadata)
            if (key := key_arn(one)) is not None
            and (role := role_arn(one)) is not None
            and role.account != key.account
        ),
    )


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
