"""What becomes of each Kustomization of an environment: the facts handed to `flux`."""

from __future__ import annotations

from fluxsecrets.flux.judge import judge
from fluxsecrets.flux.model import Cluster, KustomizationVerdict
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
        cluster = Cluster(facts.read.data_key, lambda metadata: _opens(metadata, keys))
        return judge(environment.graph.tree, environment.graph, cluster)

    return facts.once(f"judged in {environment.name}", make)


def _opens(metadata: Metadata, keys: frozenset[RecipientKey]) -> bool | None:
    """Whether a cluster's keys open a block; None where nothing says which it has, or a cloud decides."""
    groups = metadata.recipients
    if not keys:
        return None
    opened = sum(any(recipient_key(one) in keys for one in group) for group in groups)
    if opened >= groups_needed(groups, metadata.shamir_threshold):
        return True
    return False if all(KINDS[one.kind].local for group in groups for one in group) else None
