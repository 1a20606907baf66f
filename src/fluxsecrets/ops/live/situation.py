"""What the checks judge: an environment of the repository, and its cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.judged import controller_of, judged
from fluxsecrets.cluster.model import LiveCluster, Name
from fluxsecrets.flux.masking import Masker
from fluxsecrets.flux.model import KustomizationVerdict
from fluxsecrets.flux.versions import Controller
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.flux import SYSTEM, FluxKustomization

from .expected import Expected, expected_secrets


@dataclass(frozen=True, eq=False)
class Situation:
    """An environment and its cluster.

    Attributes:
        head: the commit that is checked out, or None without git or a commit.
    """

    facts: Facts = field(repr=False)
    environment: Environment = field(repr=False)
    cluster: LiveCluster
    head: str | None = None

    @cached_property
    def verdicts(self) -> tuple[KustomizationVerdict, ...]:
        """What Flux would make of the environment's Kustomizations here, with the values that it applies."""
        return judged(self.facts, self.environment)

    @cached_property
    def controller(self) -> Controller:
        """What the repository says about kustomize-controller."""
        return controller_of(self.facts, self.environment)

    @cached_property
    def expected(self) -> Expected:
        """The Secrets that the cluster has if Flux applied the environment as it is here, by hashes."""
        return expected_secrets(self.verdicts, self.cluster.hasher.digest)

    @cached_property
    def masker(self) -> Masker:
        """Hides the repository's values in the controllers' messages."""
        return Masker(self.verdicts)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of objects and files, which are not secret."""
        return frozenset(_names(self.verdicts, self.environment))

    @property
    def kustomizations(self) -> Iterator[tuple[KustomizationVerdict, FluxKustomization, Name]]:
        """The environment's Kustomizations with their namespace and name in this cluster."""
        for verdict in self.verdicts:
            item = verdict.applied.kustomization
            if item is not None:
                yield verdict, item, (item.namespace or SYSTEM, item.name)


def _names(verdicts: Iterable[KustomizationVerdict], environment: Environment) -> Iterator[str]:
    for verdict in verdicts:
        for item in (each.item for each in verdict.objects):
            yield from (item.kind, item.name, item.api_version, item.group, item.file, item.namespace or "")
    for path in environment.files:
        yield from (path, *path.split("/"))
