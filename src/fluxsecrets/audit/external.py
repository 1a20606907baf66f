"""The objects of the External Secrets operator in an environment."""

from __future__ import annotations

from dataclasses import dataclass

from fluxsecrets.external.model import (
    ExternalSecret,
    Generator,
    Store,
    read_external,
    read_generator,
    read_store,
)
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.objects import Object

from .facts import Facts


@dataclass(frozen=True, slots=True)
class External:
    """An ExternalSecret or ClusterExternalSecret, and the object that it is."""

    item: Object
    secret: ExternalSecret


def externals(facts: Facts, environment: Environment) -> tuple[External, ...]:
    """All that an environment applies."""
    return facts.once(
        f"externals in {environment.name}",
        lambda: tuple(
            External(item, secret)
            for _, item in environment.graph.objects
            if item.manifest is not None and (secret := read_external(item.manifest)) is not None
        ),
    )


def stores(facts: Facts, environment: Environment) -> tuple[tuple[Object, Store], ...]:
    """The stores that an environment applies."""
    return facts.once(
        f"stores in {environment.name}",
        lambda: tuple(
            (item, store)
            for _, item in environment.graph.objects
            if item.manifest is not None and (store := read_store(item.manifest)) is not None
        ),
    )


def generators(facts: Facts, environment: Environment) -> tuple[tuple[Object, Generator], ...]:
    """The generators that an environment applies."""
    return facts.once(
        f"generators in {environment.name}",
        lambda: tuple(
            (item, made)
            for _, item in environment.graph.objects
            if item.manifest is not None and (made := read_generator(item.manifest)) is not None
        ),
    )
