"""What the API server would say of an object: a table of checks, one file each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Outcome

Check = Callable[[Object, Plain], Iterator[Outcome]]

CHECKS: tuple[Check, ...] = ()
"""Each takes an object and its data as they are applied, and yields what is wrong with them."""


def check_object(item: Object, data: Plain) -> Iterator[Outcome]:
    """What is wrong with an object as it is applied; values that are not known here are taken for good."""
    return (outcome for check in CHECKS for outcome in check(item, data))
