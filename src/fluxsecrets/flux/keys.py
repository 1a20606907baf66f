"""Which keys Flux has for one Kustomization.

Follows `ImportKeys` of internal/decryptor/decryptor.go: they come from the Secret of `decryption.secretRef`.
"""

from __future__ import annotations

from dataclasses import replace

from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS

from .model import Cluster
from .store import Held, Store

_SUFFIXES = (".agekey", ".asc")
_NAMES = frozenset({"sops.vault-token", "sops.aws-kms", "sops.azure-kv", "sops.gcp-kms"})


def is_useless(held: Held) -> bool:
    """Whether Flux ignores all data keys of a Secret, by their names."""
    names = held.values
    return held.complete and not any(name in _NAMES or name.endswith(_SUFFIXES) for name in names)


def cluster_for(written: FluxKustomization, cluster: Cluster, store: Store) -> Cluster:
    """The cluster as a Kustomization sees it: without private keys, if its Secret has none for it."""
    if written.decryption is None:
        return cluster
    name = written.decryption.secret
    held = store.get("Secret", written.namespace, name) if name else None
    if (name and (held is None or not is_useless(held))) or (not name and cluster.has_global_key):
        return cluster
    hint = "name the Secret with the cluster's key under `decryption.secretRef` of the Kustomization"
    if name:
        hint = f"give the Secret {name!a}, which `decryption.secretRef` names, a key that ends in `.agekey`"
    return replace(cluster, opens=_opens_without_private_keys, without_keys=hint)


def _opens_without_private_keys(metadata: Metadata) -> bool | None:
    """False if the groups that a service's role opens are too few; what a role opens, nothing tells."""
    groups = metadata.recipients
    by_role = sum(any(not KINDS[one.kind].local for one in group) for group in groups)
    return None if by_role >= groups_needed(groups, metadata.shamir_threshold) else False
