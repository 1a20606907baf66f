"""What stops a Kustomization before it is built: a table of checks, one file each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fluxsecrets.repo.outcome import Outcome

from . import age_keys, decryption_secret, dependencies, parent, service_account, source, suspended
from .situation import Situation

Check = Callable[[Situation], Iterator[Outcome]]

CHECKS: tuple[Check, ...] = (
    parent.check,
    suspended.check,
    service_account.check,
    source.check,
    dependencies.check,
    decryption_secret.check,
    age_keys.check,
)
"""In the order in which Flux would meet them."""


def check_conditions(situation: Situation) -> Iterator[Outcome]:
    """What keeps Flux from building a Kustomization."""
    return (outcome for check in CHECKS for outcome in check(situation))
