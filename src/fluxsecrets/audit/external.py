"""The objects of the External Secrets operator in an environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fluxsecrets.external.model import (
    ExternalSecret,
    Generator,
    Store,
    read_external,
    read_generator,
    read_store,
)
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.manifests import Manifest
from fluxsecrets.repo.objects import Object

from .facts import Facts

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class External:
    """An ExternalSecret or ClusterExternalSecret, and the object that it is."""

    item: Object
    secret: ExternalSecret


def externals(facts: Facts, environment: Environment) -> tuple[External, ...]:
    """All that an environment applies."""
    found = _read(facts, environment, "externals", read_external)
    return tuple(External(item, secret) for item, secret in found)


def stores(facts: Facts, environment: Environment) -> tuple[tuple[Object, Store], ...]:
    """The stores that an environment applies."""
    return _read(facts, environment, "stores", read_store)


def generators(facts: Facts, environment: Environment) -> tuple[tuple[Object, Generator], ...]:
    """The generators that an environment applies."""
    return _read(facts, environment, "generators", read_generator)


def _read(
    facts: Facts, environment: Environment, what: str, read: Callable[[Manifest], Found | None]
) -> tuple[tuple[Object, Found], ...]:
    return facts.once(
        f"{what} in {environment.name}",
        lambda: tuple(
            (item, found)
            for _, item in environment.graph.objects
            if item.manifest is not None and (found := read(item.manifest)) is not None
        ),
    )
