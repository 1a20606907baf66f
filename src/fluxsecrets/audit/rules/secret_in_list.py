"""Secrets that Flux could not decrypt because they stand in a List."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "secret-in-list",
    Severity.HIGH,
    "a Secret stands in a List",
    why="kustomize takes a List apart and loses the `sops` block: Flux then applies ciphertext, or the"
    " Secret stays in plain text because it cannot be encrypted there.",
    fix="turn the List into documents: `fluxsecrets encrypt --split-lists FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each file with a Secret in a List."""
    for secret in facts.secrets:
        if secret.file.in_list:
            yield found(INFO, secret.path, secret.file.line, f"{secret.file.reason} stands in a List")


RULE = AuditRule(INFO, Group.PROTECTION, check)
