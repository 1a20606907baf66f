"""Reasons without values: what a verdict says is shown, logged and kept in CI."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fluxsecrets.repo.decryption import Treatment
from fluxsecrets.repo.outcome import Outcome

from .masking import Masker
from .model import KustomizationVerdict, ObjectVerdict


def without_values(verdicts: Iterable[KustomizationVerdict]) -> tuple[KustomizationVerdict, ...]:
    """Return the verdicts with the values of Secrets hidden in all reasons, if any are in them."""
    found = tuple(verdicts)
    if not any(each.outcomes for each in found):
        return found
    masker = Masker(found)
    return tuple(_verdict(masker, each) if each.outcomes else each for each in found)


def _verdict(masker: Masker, verdict: KustomizationVerdict) -> KustomizationVerdict:
    return replace(
        verdict,
        outcomes=_outcomes(masker, verdict.outcomes),
        objects=tuple(_object(masker, each) if each.outcomes else each for each in verdict.objects),
        sources=tuple(
            replace(each, treatment=_treatment(masker, each.treatment)) for each in verdict.sources
        ),
    )


def _object(masker: Masker, each: ObjectVerdict) -> ObjectVerdict:
    return replace(
        each,
        outcomes=_outcomes(masker, each.outcomes),
        treatment=_treatment(masker, each.treatment),
        by_key={key: _treatment(masker, one) for key, one in each.by_key.items()},
    )


def _outcomes(masker: Masker, outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(replace(each, reason=masker.text(each.reason)) for each in outcomes)


def _treatment(masker: Masker, treatment: Treatment) -> Treatment:
    """What decryption does. Its reason repeats that of an outcome."""
    return replace(treatment, reason=masker.text(treatment.reason)) if treatment.reason else treatment
