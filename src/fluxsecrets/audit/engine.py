"""Runs the rules over the facts."""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.findings import Finding
from fluxsecrets.findings.fingerprint import told_apart
from fluxsecrets.findings.model import in_order

from .facts import Facts
from .rule import AuditRule
from .unused import weighed


def run_rules(facts: Facts, rules: Sequence[AuditRule]) -> tuple[Finding, ...]:
    """The findings of all rules, by place. Rules that need keys are left out where the facts have none."""
    found = [
        weighed(facts, rule, finding)
        for rule in rules
        if not rule.needs_keys or facts.with_keys
        for finding in rule.check(facts)
    ]
    return told_apart(sorted(found, key=in_order))
