"""Values in which Flux would replace text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.judged import judged
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Location, Severity
from fluxsecrets.flux.model import KustomizationVerdict, ObjectVerdict
from fluxsecrets.repo.outcome import Effect, Outcome

INFO = describe(
    "value-substituted",
    Severity.HIGH,
    "Flux would replace a part of a value",
    why="Flux replaces the variables of `postBuild` after decryption, in Secrets too. A password that "
    "contains `${` stops the Kustomization or is different in the cluster, `$$` becomes `$`, and a number "
    "is no longer a text.",
    fix="write `$${`, put the value under `data` in base64, or give the Secret the annotation "
    "`kustomize.toolkit.fluxcd.io/substitute: disabled`",
)
SUBSTITUTED: Final = frozenset(
    {
        "variable-unset",
        "variable-newlines",
        "substitution-syntax",
        "substitution-result",
        "dollar-pair",
        "value-retyped",
        "value-rewritten",
    }
)
"""The behaviours of Flux that change a value, or stop at it; see docs/flux.md."""


def check(facts: Facts) -> Iterator[Finding]:
    """Find each value of a Secret that its Kustomization changes, or that stops it."""
    seen = set()
    for environment in facts.environments:
        for verdict in judged(facts, environment):
            for each, outcome in _replaced(verdict):
                place = (outcome.path, outcome.line, outcome.behaviour)
                if place not in seen:
                    seen.add(place)
                    yield _finding(verdict, each, outcome)


def _replaced(verdict: KustomizationVerdict) -> Iterator[tuple[ObjectVerdict, Outcome]]:
    for each in verdict.objects:
        for outcome in each.outcomes if each.item.is_secret else ():
            if outcome.behaviour in SUBSTITUTED:
                yield each, outcome


def _finding(verdict: KustomizationVerdict, each: ObjectVerdict, outcome: Outcome) -> Finding:
    kustomization = verdict.applied.kustomization
    assert kustomization is not None  # noqa: S101 - it replaces
    verb = "fails" if outcome.effect is Effect.FAILS else "changes the Secret"
    return found(
        INFO,
        outcome.path or each.item.file,
        outcome.line,
        # Without the variable's name, which may be a part of the value.
        f"{kustomization.name} {verb}: {outcome.reason}",
        each.item.name,
        outcome.behaviour,
        confidence=Confidence.LOW if outcome.effect is Effect.UNKNOWN else Confidence.MEDIUM,
        related=[Location(kustomization.file, kustomization.line)],
        hint=outcome.hint or None,
    )


RULE = AuditRule(INFO, Group.FLUX, check, needs_keys=True)
