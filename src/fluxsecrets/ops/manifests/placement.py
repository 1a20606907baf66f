"""Where Flux puts an object: its namespace and name in the cluster, and the Kustomizations that apply it.

A strict or namespace-wide SealedSecret opens only there, so the manifest's own metadata is not enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fluxsecrets.repo.settings import Settings
from fluxsecrets.repo.tree import Tree

if TYPE_CHECKING:
    from fluxsecrets.repo.graph import Applied


@dataclass(frozen=True, slots=True)
class Place:
    """The places of one object.

    Attributes:
        namespaces: its namespaces in the clusters, sorted; empty if unknown.
        names: its names in the clusters, if they differ from its own.
        environments: the environments that apply it, sorted.
        applied: the Kustomizations that apply it, with all that they apply.
    """

    namespaces: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    applied: tuple[Applied, ...] = field(default=(), repr=False)


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Placement:
    """The objects that Flux applies, by file and document."""

    _places: Mapping[tuple[str, int], Place] = field(default_factory=dict)
    _files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    applied: tuple[Applied, ...] = field(default=(), repr=False)

    def of(self, path: str) -> dict[int, Place]:
        """Return the places of a file's objects, by the position of their document."""
        return {number: place for (file, number), place in self._places.items() if file == path}

    def environments(self, path: str) -> tuple[str, ...]:
        """Return the environments that use a file in any way."""
        return self._files.get(path, ())

    def shared(self, path: str, environment: str | None, same: frozenset[str]) -> str | None:
        """Return why a file that several environments use can't be sealed, or None.

        Args:
            path: the file.
            environment: the environment to seal for, or None if only a certificate was named.
            same: environments whose controller has that certificate.
        """
        used = set(self.environments(path))
        others = sorted(used - same - {environment})
        if not others or (environment is None and len(used) < 2):
            return None
        verb = "uses" if len(others) == 1 else "use"
        too = " too" if environment is not None else ""
        return f"{' and '.join(others)} {verb} it{too}, and can't open what is sealed for another cluster"


def read_placement(tree: Tree, settings: Settings | None = None) -> Placement:
    """Return the places of all objects in all environments of a repository.

    Raises:
        ConfigError: the settings are invalid.
    """
    from fluxsecrets.repo.environments import load_environments

    found: dict[tuple[str, int], list[tuple[str, str | None, str | None, Applied]]] = {}
    files: dict[str, set[str]] = {}
    environments = load_environments(tree, settings)
    for environment in environments:
        for path in environment.files:
            files.setdefault(path, set()).add(environment.name)
        for applied in environment.graph.applied:
            for item in applied.objects:
                if item.manifest is not None and not item.manifest.in_list:
                    name = item.name if item.name != item.manifest.name else None
                    entry = (environment.name, item.namespace, name, applied)
                    found.setdefault((item.file, item.manifest.index), []).append(entry)
    places = {
        key: Place(
            namespaces=tuple(sorted({namespace for _, namespace, _, _ in entries if namespace})),
            names=tuple(sorted({name for _, _, name, _ in entries if name})),
            environments=tuple(sorted({environment for environment, _, _, _ in entries})),
            applied=tuple(applied for _, _, _, applied in entries),
        )
        for key, entries in found.items()
    }
    applied_by = tuple(applied for each in environments for applied in each.graph.applied)
    return Placement(places, {path: tuple(sorted(names)) for path, names in files.items()}, applied_by)
