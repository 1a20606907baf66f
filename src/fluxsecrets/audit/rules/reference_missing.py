"""References to Secrets that nothing provides."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import Used, all_provided, all_used, is_rooted, is_whole, meant, shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Severity

INFO = describe(
    "reference-missing",
    Severity.MEDIUM,
    "a Secret is used, but nothing provides it",
    why="A Pod without its Secret does not start, and a HelmRelease or Kustomization is not applied. "
    "Often the name or the namespace is misspelled, or the Secret was created by hand and will be "
    "missing in the next cluster.",
    fix="add the Secret to the environment, or fix the name; list one that is created by hand on purpose "
    "under `allow` in .fluxsecrets.yaml, with the reason",
)
_BY_HAND = ("decryption",)
"""Made when a cluster is set up, by everybody."""


def check(facts: Facts) -> Iterator[Finding]:
    """Find each reference that no object of its environment satisfies."""
    seen = set()
    for environment in facts.environments:
        if not is_rooted(environment):
            continue  # the folder is part of an environment, and the rest may have it
        whole = is_whole(facts, environment)
        provided = all_provided(facts, environment)
        for used in all_used(facts, environment):
            if _is_exempt(used) or meant(used.use, provided):
                continue
            place = (used.item.file, used.use.line, used.use.name)
            if place in seen:
                continue
            seen.add(place)
            yield _finding(used, environment.name, sure=whole and not used.use.likely)


_KNOWN_GROUPS = (
    "cert-manager.io",
    "external-secrets.io",
    "gateway.networking.k8s.io",
    "monitoring.coreos.com",
    "postgresql.cnpg.io",
    "traefik.io",
)
"""Operators whose fields with the name of a Secret are known to read it; others may make it."""


def _is_exempt(used: Used) -> bool:
    use, item = used.use, used.item
    if use.kind != "Secret" or use.optional or use.via in _BY_HAND or "$" in use.name or "{{" in use.name:
        return True
    if use.likely and not _is_read(used):
        return True
    if use.steps[-2:-1] == ("privateKeySecretRef",) and "acme" in use.steps:
        return True  # cert-manager creates the account's key
    # Flux's own credentials for its sources exist before the tree does.
    return (
        item.group.endswith("toolkit.fluxcd.io")
        and use.namespace == "flux-system"
        and use.name == "flux-system"
    )


def _is_read(used: Used) -> bool:
    """Whether a field known only by its name reads a Secret. Charts often create that of `secretName`."""
    if used.use.via == "values":
        return used.use.steps[-1] != "secretName"
    return used.item.group in _KNOWN_GROUPS or used.item.group.endswith(".toolkit.fluxcd.io")


def _finding(used: Used, environment: str, *, sure: bool) -> Finding:
    use, item = used.use, used.item
    what = f"Secret {shown(use.namespace, use.name)}"
    message = f"{item.kind} {item.name} uses {what} ({use.via}), but nothing in {environment} provides it"
    return found(
        INFO,
        item.file,
        use.line,
        message,
        item.kind,
        item.name,
        use.name,
        severity=None if sure else Severity.LOW,
        confidence=Confidence.MEDIUM if sure else Confidence.LOW,
    )


RULE = AuditRule(INFO, Group.FLUX, check)
