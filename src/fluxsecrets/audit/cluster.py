"""What an environment's objects use and bring about, put together from its graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.perobject import PerObject
from fluxsecrets.repo.references import Provision, Use, provisions, uses

from .beside import uses_in
from .facts import Facts

Name = tuple[str, str]
"""Kind (`Secret` or `ConfigMap`) and name."""


@dataclass(frozen=True, slots=True)
class Provided:
    """A Secret or ConfigMap, what brings it about, and the Kustomization that applies that."""

    applied: Applied
    item: Object
    provision: Provision


@dataclass(frozen=True, slots=True)
class Used:
    """A reference, the object that has it, and the Kustomization that applies that."""

    applied: Applied
    item: Object
    use: Use


def all_provided(facts: Facts, environment: Environment) -> dict[Name, list[Provided]]:
    """What is brought about in an environment, by kind and name."""
    return facts.once(f"provided in {environment.name}", lambda: _all_provided(facts, environment))


def all_used(facts: Facts, environment: Environment) -> tuple[Used, ...]:
    """Each reference in an environment, in order."""
    return facts.once(f"used in {environment.name}", lambda: tuple(_all_used(facts, environment)))


def meant(use: Use, provided: dict[Name, list[Provided]]) -> list[Provided]:
    """What a reference may mean; a namespace that is not known may be any."""
    return [
        each
        for each in provided.get((use.kind, use.name), ())
        if None in (use.namespace, each.provision.namespace) or use.namespace == each.provision.namespace
    ]


def is_rooted(environment: Environment) -> bool:
    """Whether the environment's own Kustomization is known, so that it is one, and not a part of another.

    What is missing in a mere folder may be anywhere.
    """
    return any(each.kustomization is not None for each in environment.graph.applied[:1])


def is_whole(facts: Facts, environment: Environment) -> bool:
    """Whether everything in it was followed, so that what is not found is not there."""
    return (
        is_rooted(environment)
        and not any(each.reason is not None for each in environment.graph.applied)
        and not any("not analysed" in note.message for note in environment.notes)
        and not uses_in(facts, environment)
    )


def shown(namespace: str | None, name: str) -> str:
    """`namespace/name`, or the name alone where the namespace is not known."""
    return f"{namespace}/{name}" if namespace else name


def _all_provided(facts: Facts, environment: Environment) -> dict[Name, list[Provided]]:
    provisions_of = facts.once("provisions", lambda: PerObject(provisions))
    found: dict[Name, list[Provided]] = {}
    for applied, item in environment.graph.objects:
        for provision in provisions_of(item):
            found.setdefault((provision.kind, provision.name), []).append(Provided(applied, item, provision))
    return found


def _all_used(facts: Facts, environment: Environment) -> Iterator[Used]:
    uses_of = facts.once("uses", lambda: PerObject(uses))
    for applied, item in environment.graph.objects:
        for use in uses_of(item):
            yield Used(applied, item, use)
