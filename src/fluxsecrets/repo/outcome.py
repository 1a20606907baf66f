"""What is wrong with what Flux makes of something, or cannot be foretold."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from fluxsecrets.records import dataclass


class Effect(StrEnum):
    """How far it goes, the worst first."""

    FAILS = "fails"
    """Flux applies nothing of the Kustomization."""
    CIPHERTEXT = "ciphertext"
    """A ciphertext is applied as if it were the value."""
    UNKNOWN = "unknown"
    """The repository alone does not say what Flux does."""
    ALTERED = "altered"
    """It is applied, and is not what its author meant."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of them.

    Attributes:
        behaviour: its name in the table of docs/flux.md, such as `two-kustomization-files`.
        reason: why, in the words of kustomize-controller where it has some; without any value of a Secret.
        path, line: what to change; None where that is not a file.
        hint: what to do, or "".
    """

    effect: Effect
    behaviour: str
    reason: str
    path: str | None = None
    line: int | None = None
    hint: str = ""


_SEVERITY = tuple(Effect)


def worst(outcomes: Iterable[Outcome]) -> Outcome | None:
    """The first of those that go furthest, or None where there are none."""
    return min(outcomes, key=lambda each: _SEVERITY.index(each.effect), default=None)
