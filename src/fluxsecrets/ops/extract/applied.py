"""What Flux applies in an environment, with look-ups that are made once for all values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.manifests import text
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.references import Use, provisions, uses

Key = TypeVar("Key")
Value = TypeVar("Value")


def reference_names(item: Object) -> frozenset[str]:
    """Return the names by which references may mean an object.

    A generated one has the hash of its name in its data only. Whether a reference gets the hash, too, depends
    on `configurations`, which the builder doesn't read.
    """
    return frozenset({item.name, text(item.data, "metadata", "name") or item.name})


class Reference(NamedTuple):
    """A use by an object. References of an environment sort as they stand there."""

    position: tuple[int, int]
    item: Object
    use: Use


@dataclass(frozen=True)
class Applied:
    """An environment, with its objects by what is asked for them."""

    environment: Environment

    @cached_property
    def objects(self) -> tuple[Object, ...]:
        """All of them, in order."""
        return tuple(item for _, item in self.environment.graph.objects)

    @cached_property
    def by_file(self) -> Mapping[str, tuple[Object, ...]]:
        """The objects that are built of a file."""
        return grouped((item.file, item) for item in self.objects)

    @cached_property
    def generated_of(self) -> Mapping[str, tuple[tuple[Object, str], ...]]:
        """The ConfigMaps that are generated from a file, each with the key that has its content."""
        return grouped(
            (source.path, (item, source.key))
            for item in self.objects
            if item.kind == "ConfigMap" and item.generated is not None
            for source in item.generated.sources
        )

    @cached_property
    def secrets(self) -> Mapping[str | None, tuple[Object, ...]]:
        """The Secrets that are written in files, by the name that is written there."""
        return grouped(
            (item.manifest.name, item)
            for item in self.objects
            if item.is_secret and item.manifest is not None
        )

    @cached_property
    def secret_names(self) -> frozenset[str]:
        """The names of Secrets that something makes or uses."""
        made = (name for item in self.objects if item.is_secret for _, name in item.all_names)
        others = (each.name for item in self.objects for each in provisions(item) if each.kind == "Secret")
        used = (name for kind, _, name in self._references if kind == "Secret")
        return frozenset((*made, *others, *used))

    def referring(self, target: Object) -> Iterator[tuple[Object, Use]]:
        """Yield the references to an object, in order."""
        found = [
            each
            for name in reference_names(target)
            for each in self._references.get((target.kind, target.namespace, name), ())
        ]
        for each in sorted(found, key=lambda each: each.position):
            yield each.item, each.use

    @cached_property
    def _references(self) -> Mapping[tuple[str, str | None, str], tuple[Reference, ...]]:
        return grouped(
            ((use.kind, use.namespace, use.name), Reference((number, index), item, use))
            for number, item in enumerate(self.objects)
            for index, use in enumerate(uses(item))
        )


def grouped(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, tuple[Value, ...]]:
    """Return the values of each key, in order."""
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}
