"""Invalid `.sops.yaml` files."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "creation-rule-invalid",
    Severity.HIGH,
    "a .sops.yaml is invalid",
    why="It can't be used to encrypt anything. sops notices some of these mistakes only when a file "
    "matches the rule, and some never: with an invalid expression it writes plain text.",
    fix="fix the line; `fluxsecrets audit --rule creation-rule-invalid` checks it",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each `.sops.yaml` that does not parse, and recipients in it that are malformed."""
    for item in facts.configs:
        if item.error is not None:
            yield found(INFO, item.path, item.error.line, item.error.message, hint=item.error.hint)
        for rule in item.config.rules if item.config is not None else ():
            for error in filter(None, map(facts.read.malformed, rule.recipients)):
                yield found(INFO, item.path, rule.line, error.message, hint=error.hint)


RULE = AuditRule(INFO, Group.PROTECTION, check)
