"""Kustomizations that Flux refuses, so that nothing in them is applied."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from fluxsecrets.audit.causes import Cause, causes, found_cause
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.outcome import Effect

from . import (
    cluster_recipient_missing,
    decryption_key_missing,
    decryption_missing,
    decryption_secret_elsewhere,
    dependency_broken,
    file_unreadable,
    keys_renamed,
    reference_missing,
    secret_in_list,
    sops_foreign_value,
    sops_plain_value,
    value_substituted,
)

INFO = describe(
    "kustomization-fails",
    Severity.HIGH,
    "Flux applies nothing of a Kustomization",
    why="Flux applies a Kustomization as a whole. One file or object that it refuses stops all the others, "
    "and every Kustomization that depends on it. A changed Secret in it doesn't reach the cluster.",
    fix="fix what the message names; `fluxsecrets verify` shows each Kustomization with its objects",
)
_OTHERS = (
    sops_plain_value,
    sops_foreign_value,
    keys_renamed,
    file_unreadable,
    secret_in_list,
    cluster_recipient_missing,
    decryption_missing,
    decryption_key_missing,
    decryption_secret_elsewhere,
    dependency_broken,
    value_substituted,
)
"""Rules for some of the causes. Each says more than Flux's error does."""

_FOLLOWS = frozenset({"dependency-fails", "dependency-suspended", "parent-fails"})
"""Behaviours whose cause is in another Kustomization, which has its own finding."""


def check(facts: Facts) -> Iterator[Finding]:
    """Find each cause by which Kustomizations fail, once, unless another rule finds it."""
    for cause in causes(facts, Effect.FAILS):
        if cause.behaviour not in _FOLLOWS and not _is_found(facts, cause):
            verb = "fail" if len(cause.names) > 1 else "fails"
            yield found_cause(INFO, cause, verb, *cause.names[:1])


def _is_found(facts: Facts, cause: Cause) -> bool:
    """Whether another rule has a finding for the place that the cause is about."""
    others = (reference_missing,) if cause.behaviour == "variable-source-missing" else _OTHERS
    return any(cause.place.path in _found(facts, other) for other in others)


def _found(facts: Facts, other: ModuleType) -> frozenset[str]:
    return facts.once(
        f"files found by {other.__name__}",
        lambda: frozenset(finding.location.path for finding in other.check(facts)),
    )


RULE = AuditRule(INFO, Group.FLUX, check)
