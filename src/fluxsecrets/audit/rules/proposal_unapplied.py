"""Proposals that nothing applies."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.proposals import find_waiting

INFO = describe(
    "proposal-unapplied",
    Severity.MEDIUM,
    "Flux doesn't apply a proposed value",
    why="Somebody proposed a value for a Secret, and the application doesn't get it. The entry of the patch "
    "may have been lost in a merge.",
    fix="name the file under `patches` of the kustomization file beside the Secret, or delete it",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find proposals that no kustomization file names, or that are not patches for one Secret."""
    for each in find_waiting(facts.tree):
        if each.why_left is not None and not each.is_of_overlay and each.path in facts.tree.files:
            yield found(INFO, each.path, None, each.why_left, each.path)


RULE = AuditRule(INFO, Group.FLUX, check)
