"""Ciphertexts without a `sops` block, as `scan` finds them."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group
from fluxsecrets.findings import Finding
from fluxsecrets.scan.structure.sops import LOST as INFO


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what `scan` finds by this rule, except blocks without a MAC, which `mac-missing` reports."""
    known = {secret.path for secret, _ in facts.encrypted()}
    for finding in facts.scanned:
        if finding.rule == INFO.id and finding.location.path not in known:
            yield finding


RULE = AuditRule(INFO, Group.PROTECTION, check)
