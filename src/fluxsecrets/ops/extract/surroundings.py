"""What a run asks of a repository again for each value, and reads once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from fluxsecrets.flux.versions import controller_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.environments import load_environments
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.tree import Tree

from .applied import Applied
from .listing import Listed, listed_in
from .proof import reaching
from .siblings import Files


class Surroundings(Protocol):
    """What is around the manifests of a run.

    Attributes:
        settings: of the repository.
        files: those that were read.
    """

    @property
    def settings(self) -> Settings:
        """See above."""

    @property
    def files(self) -> Files:
        """See above."""

    def reaching(self, manifests: frozenset[str]) -> tuple[Applied, ...]:
        """Return the environments in which Flux reads one of some files."""

    def listed(self, manifest: str) -> Listed:
        """Return what kustomization files name; at least those are in it that name the manifest."""


@dataclass(frozen=True)
class OfOne:
    """Around a few manifests: of the rest is read only what concerns them."""

    tree: Tree
    _reached: dict[frozenset[str], tuple[Applied, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def settings(self) -> Settings:
        """See `Surroundings`."""
        return load_settings(self.tree)

    @cached_property
    def files(self) -> Files:
        """See `Surroundings`."""
        return Files(self.tree)

    def reaching(self, manifests: frozenset[str]) -> tuple[Applied, ...]:
        """Load those environments, once for the same files."""
        if manifests not in self._reached:
            self._reached[manifests] = tuple(map(Applied, reaching(self.tree, self.settings, manifests)))
        return self._reached[manifests]

    def listed(self, manifest: str) -> Listed:
        """Read the kustomization files that name it."""
        return listed_in(self.tree, manifest)


@dataclass(frozen=True)
class OfAll:
    """Around many manifests: the whole repository is read, once."""

    tree: Tree

    @cached_property
    def settings(self) -> Settings:
        """See `Surroundings`."""
        return load_settings(self.tree)

    @cached_property
    def files(self) -> Files:
        """See `Surroundings`."""
        return Files(self.tree)

    @cached_property
    def environments(self) -> tuple[Applied, ...]:
        """All of them."""
        return tuple(map(Applied, load_environments(self.tree, self.settings)))

    @cached_property
    def _all_listed(self) -> Listed:
        return listed_in(self.tree)

    def reaching(self, manifests: frozenset[str]) -> tuple[Applied, ...]:
        """Choose among all environments."""
        return tuple(
            each for each in self.environments if not each.environment.graph.files.isdisjoint(manifests)
        )

    def listed(self, manifest: str) -> Listed:
        """Return what all kustomization files name."""
        return self._all_listed


@dataclass(frozen=True)
class Versions:
    """The version of Flux in each environment, by its name, once it was asked for."""

    session: Session
    settings: Settings
    _known: dict[str, str | None] = field(default_factory=dict, repr=False)

    def of(self, applied: Applied) -> str | None:
        """Return the version, or None if nothing says it."""
        name = applied.environment.name
        if name not in self._known:
            found = controller_of(applied.environment, self.settings, self.session.flux_version)
            self._known[name] = found.version
        return self._known[name]
