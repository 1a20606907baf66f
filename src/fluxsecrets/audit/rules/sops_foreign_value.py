"""Ciphertexts that were copied from another file, as `scan` finds them."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group
from fluxsecrets.findings import Finding
from fluxsecrets.scan.structure.sops import FOREIGN as INFO


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what `scan` finds by this rule in the files that must be protected."""
    yield from (finding for finding in facts.scanned if finding.rule == INFO.id)


RULE = AuditRule(INFO, Group.PROTECTION, check)
