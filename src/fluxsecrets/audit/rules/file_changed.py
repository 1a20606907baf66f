"""Encrypted files that are not what their author encrypted."""

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
    why="A value was exchanged, moved or removed, or the MAC was. Flux does not check the MAC: the "
    "cluster may run with what somebody put there.",
    fix="take the file from git again (`git log -p FILE` shows who changed it), and redo the change "
    "with `fluxsecrets edit FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each file that opens, and whose content does not match its MAC or its own selector."""
    for secret in facts.secrets:
        if isinstance(secret.error, IntegrityError) and (secret.metadata is None or secret.metadata.mac):
            yield found(INFO, secret.path, secret.error.line, secret.error.message, hint=None)


RULE = AuditRule(INFO, Group.PROTECTION, check)
