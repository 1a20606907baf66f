"""Encrypted files without a MAC."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "mac-missing",
    Severity.HIGH,
    "an encrypted file has no MAC",
    why="Without a MAC, nobody can tell whether values were removed or plain values changed. Flux "
    "recognises an encrypted file by its MAC, so it applies the ciphertext.",
    fix="restore the file from git, or get it from the person who encrypted it",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each `sops` block without `mac`."""
    for secret, metadata in facts.encrypted():
        if not metadata.mac:
            yield found(INFO, secret.path, None, "the sops block has no MAC")


RULE = AuditRule(INFO, Group.PROTECTION, check, for_applied=True)
