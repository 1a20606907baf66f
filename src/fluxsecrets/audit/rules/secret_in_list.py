"""Secrets that Flux cannot decrypt because they are in a List."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.beside import is_for_others
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "secret-in-list",
    Severity.HIGH,
    "a Secret is in a List",
    why="kustomize splits a List and loses the `sops` block. Flux then applies ciphertext; or the Secret "
    "stays in plain text, because it can't be encrypted there.",
    fix="turn the List into documents: `fluxsecrets encrypt --split-lists FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file with a Secret in a List."""
    for secret in facts.secrets:
        if secret.file.in_list and not is_for_others(facts, secret.path):
            yield found(INFO, secret.path, secret.file.line, f"{secret.file.reason} is in a List")


RULE = AuditRule(INFO, Group.PROTECTION, check, for_applied=True)
