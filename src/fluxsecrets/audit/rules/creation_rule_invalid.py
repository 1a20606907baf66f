"""A `.sops.yaml` that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "creation-rule-invalid",
    Severity.HIGH,
    "a .sops.yaml is invalid",
    why="Nothing can be encrypted by it. sops notices some of these mistakes only once a file meets "
    "the rule, and some never: an invalid expression then means plain text.",
    fix="mend the line, then run `fluxsecrets explain PATH` on a file that the rule is for",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each `.sops.yaml` that did not parse."""
    for item in facts.configs:
        if item.error is not None:
            yield found(INFO, item.path, item.error.line, item.error.message, hint=item.error.hint)


RULE = AuditRule(INFO, Group.PROTECTION, check)
