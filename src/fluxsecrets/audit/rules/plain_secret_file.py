"""Other secret files in plain text: found by `scan`, or with single values that `scan` finds."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group
from fluxsecrets.findings import Finding
from fluxsecrets.scan.structure import secret, sops, wholefile

INFO = wholefile.PLAIN_FILE


def check(facts: Facts) -> Iterator[Finding]:
    """Find each plain file that must be encrypted, unless `plain-secret` reports it or it is allowed."""
    told = facts.excused | {
        finding.location.path
        for finding in facts.scanned
        if finding.rule in (INFO.id, secret.RULE.id, sops.LOST.id)
    }
    yield from (finding for finding in facts.scanned if finding.rule == INFO.id)
    for item in facts.secrets:
        plain = not item.file.encrypted and item.metadata is None and item.file.error is None
        if plain and item.path not in told:
            yield wholefile.plain_file(item.path, item.file.reason)


RULE = AuditRule(INFO, Group.PROTECTION, check)
