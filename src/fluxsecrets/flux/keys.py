"""Which keys Flux has for one Kustomization.

Follows `ImportKeys` of internal/decryptor/decryptor.go: they come from the Secret of `decryption.secretRef`,
or else from the one of the controller's `--sops-age-secret`, of which only `*.agekey` counts.
"""

from __future__ import annotations

from dataclasses import replace

from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS

from .model import Cluster
from .since import GLOBAL_KEY
from .store import Held, Store
from .versions import GLOBAL_KEY as FLAG

_AGE = ".agekey"
_SUFFIXES = (_AGE, ".asc")
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
    hint = _own_secret(written.namespace, name, store) if name else _global_secret(cluster, store)
    if hint is None:
        return cluster
    return replace(cluster, opens=_opens_without_private_keys, without_keys=hint)


def _own_secret(namespace: str | None, name: str, store: Store) -> str | None:
    """What to do about the Secret of `decryption.secretRef`, or None if it may have keys."""
    held = store.get("Secret", namespace, name)
    if held is None or not is_useless(held):
        return None
    return f"give the Secret {name!a}, which `decryption.secretRef` names, a key that ends in `{_AGE}`"


def _global_secret(cluster: Cluster, store: Store) -> str | None:
    """What to do about the Secret of `--sops-age-secret`, or None if it may have keys."""
    found = cluster.controller.global_key
    if found is None:
        return "name the Secret with the cluster's key under `decryption.secretRef` of the Kustomization"
    if not cluster.has(GLOBAL_KEY):
        return (
            f"update Flux to {GLOBAL_KEY.shown}, since which it knows `{FLAG}`, or name the Secret under "
            "`decryption.secretRef` of the Kustomization"
        )
    held = store.get("Secret", found.namespace, found.name)
    if held is None or not held.complete or any(name.endswith(_AGE) for name in held.values):
        return None
    return f"give the Secret {found.name!a}, which `{FLAG}` names, a key that ends in `{_AGE}`"


def _opens_without_private_keys(metadata: Metadata) -> bool | None:
    """False if the groups that a service's role opens are too few; what a role opens, nothing tells."""
    groups = metadata.recipients
    by_role = sum(any(not KINDS[one.kind].local for one in group) for group in groups)
    return None if by_role >= groups_needed(groups, metadata.shamir_threshold) else False
