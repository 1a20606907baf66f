"""What a check of a Kustomization may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fluxsecrets.flux.model import Cluster, KustomizationVerdict
from fluxsecrets.flux.store import Store
from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import Steps
from fluxsecrets.repo.ordering import Key
from fluxsecrets.repo.outcome import Effect, Outcome

from .overview import Overview


@dataclass(frozen=True, slots=True)
class Situation:
    """A Kustomization at the moment when Flux comes to it.

    Attributes:
        overview: of the environment.
        applied: the Kustomization with what it applies.
        kustomization: the same, as it is written and patched.
        cluster: what is known of the cluster.
        store: the Secrets and ConfigMaps that earlier Kustomizations made.
        before: the verdicts of earlier Kustomizations.
    """

    overview: Overview
    applied: Applied
    kustomization: FluxKustomization
    cluster: Cluster
    store: Store
    before: Mapping[Key | None, KustomizationVerdict]

    def outcome(
        self, effect: Effect, behaviour: str, reason: str, steps: Steps = (), hint: str = ""
    ) -> Outcome:
        """An outcome at a place in the Kustomization."""
        item, written = self.applied.item, self.kustomization
        line = item.line_at(steps) if item is not None and steps else written.line
        return Outcome(effect, behaviour, reason, written.file, line, hint)


def shown(key: Key) -> str:
    """A Kustomization as Flux names it, such as `flux-system/apps`."""
    namespace, name = key
    return f"{namespace}/{name}" if namespace else name


def same(first: Key, second: Key) -> bool:
    """Whether two namespaces and names may be of one object; a namespace that is not known fits any."""
    return first[1] == second[1] and (first[0] == second[0] or None in (first[0], second[0]))
