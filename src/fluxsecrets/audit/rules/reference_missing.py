"""References to Secrets that nothing provides."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import Used, all_provided, all_used, meant, shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Severity

INFO = describe(
    "reference-missing",
    Severity.MEDIUM,
    "a Secret is used, and nothing provides it",
    why="A Pod without its Secret does not start, and a HelmRelease or Kustomization is not applied. "
    "Often the name or the namespace is misspelled, or the Secret was made by hand and will be "
    "missing in the next cluster.",
    fix="add the Secret to the environment, or mend the name; one that is made by hand on purpose "
    "belongs into `allow` of .fluxsecrets.yaml with the reason",
)
_BY_HAND = ("decryption",)
"""Made when a cluster is set up, by everybody."""


def check(facts: Facts) -> Iterator[Finding]:
    """Each reference that no object of its environment satisfies."""
    seen = set()
    for environment in facts.environments:
        provided = all_provided(facts, environment)
        for used in all_used(facts, environment):
            if _is_exempt(used) or meant(used.use, provided):
                continue
            place = (used.item.file, used.use.line, used.use.name)
            if place in seen:
                continue
            seen.add(place)
            yield _finding(used, environment.name)


def _is_exempt(used: Used) -> bool:
    use = used.use
    if use.kind != "Secret" or use.optional or use.via in _BY_HAND or "$" in use.name:
        return True
    if use.steps[-2:-1] == ("privateKeySecretRef",) and use.steps[:1] == ("spec",) and "acme" in use.steps:
        return True  # cert-manager makes the account's key
    # What Flux itself reads its sources with is there before the tree is.
    return (
        used.item.group.endswith("toolkit.fluxcd.io")
        and use.namespace == "flux-system"
        and use.name == "flux-system"
    )


def _finding(used: Used, environment: str) -> Finding:
    use, item = used.use, used.item
    what = f"Secret {shown(use.namespace, use.name)}"
    message = f"{item.kind} {item.name} uses {what} ({use.via}), and nothing in {environment} provides it"
    return found(
        INFO,
        item.file,
        use.line,
        message,
        item.kind,
        item.name,
        use.name,
        severity=Severity.LOW if use.likely else None,
        confidence=Confidence.LOW if use.likely else Confidence.MEDIUM,
    )


RULE = AuditRule(INFO, Group.FLUX, check)
