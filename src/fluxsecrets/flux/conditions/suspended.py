"""A Kustomization that is suspended."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.outcome import Effect, Outcome

from .situation import Situation

SUSPENDED = "suspended"
"""The name of the behaviour."""


def check(situation: Situation) -> Iterator[Outcome]:
    """Flux leaves it as it was when it was suspended; nothing in the repository says how that was."""
    if situation.kustomization.suspend:
        reason = "it is suspended: Flux does not look at it"
        yield situation.outcome(Effect.UNKNOWN, SUSPENDED, reason, ("spec", "suspend"))
