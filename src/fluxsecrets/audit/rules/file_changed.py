"""Encrypted files that were changed after their author encrypted them."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.errors import IntegrityError
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "file-changed",
    Severity.CRITICAL,
    "an encrypted file was changed without its key",
    why="A value, or the MAC, was replaced, moved or removed. Flux does not check the MAC, so the cluster "
    "may run with values that someone planted.",
    fix="restore the file from git (`git log -p FILE` shows who changed it), and repeat the change with "
    "`fluxsecrets edit FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file that decrypts, but does not match its MAC or its own selector."""
    for secret in facts.secrets:
        if isinstance(secret.error, IntegrityError) and (secret.metadata is None or secret.metadata.mac):
            yield found(INFO, secret.path, secret.error.line, secret.error.message, hint=None)


RULE = AuditRule(INFO, Group.PROTECTION, check)
