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
    why="Nobody can tell whether values were removed or plain ones changed; and Flux knows a file as "
    "encrypted by its MAC, so that it applies the ciphertext as it stands.",
    fix="take the file from git again, or from whoever encrypted it",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each `sops` block without `mac`."""
    for secret, metadata in facts.encrypted():
        if not metadata.mac:
            yield found(INFO, secret.path, None, "the sops block has no MAC")


RULE = AuditRule(INFO, Group.PROTECTION, check)
