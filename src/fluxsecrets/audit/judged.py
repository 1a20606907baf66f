"""What becomes of each Kustomization of an environment: the facts handed to `flux`."""

from __future__ import annotations

from fluxsecrets.flux.judge import judge
from fluxsecrets.flux.model import Cluster, KustomizationVerdict
from fluxsecrets.flux.versions import Controller, read_controller
from fluxsecrets.repo.environments import Environment
from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS, RecipientKey, recipient_key

from .facts import Facts
from .people import keys_of_clusters


def judged(facts: Facts, environment: Environment) -> tuple[KustomizationVerdict, ...]:
    """The verdicts of an environment's Kustomizations, made once."""

    def make() -> tuple[KustomizationVerdict, ...]:
        keys = keys_of_clusters(facts).get(environment.name, frozenset())
        controller = controller_of(facts, environment)
        cluster = Cluster(
            facts.read.data_key,
            lambda metadata: _opens(metadata, keys),
            strict=controller.strict,
            has_global_key=controller.has_global_key,
            version=controller.version,
        )
        return judge(environment.graph.tree, environment.graph, cluster)

    return facts.once(f"judged in {environment.name}", make)


def controller_of(facts: Facts, environment: Environment) -> Controller:
    """What is known of an environment's kustomize-controller."""
    settings = facts.settings.environment(environment.name)
    version = facts.flux_version or (settings.flux_version if settings is not None else None)
    found = read_controller((item for _, item in environment.graph.objects), version)
    sync = environment.graph.sync
    if found.version is None and sync is not None and sync.version is not None:
        return read_controller((item for _, item in environment.graph.objects), sync.version)
    return found


def _opens(metadata: Metadata, keys: frozenset[RecipientKey]) -> bool | None:
    """Whether a cluster's keys open a block; None where nothing says which it has, or a cloud decides."""
    groups = metadata.recipients
    if not keys:
        return None
    opened = sum(any(recipient_key(one) in keys for one in group) for group in groups)
    if opened >= groups_needed(groups, metadata.shamir_threshold):
        return True
    return False if all(KINDS[one.kind].local for group in groups for one in group) else None
