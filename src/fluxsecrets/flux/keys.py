"""Which keys Flux has for one Kustomization.

Follows `ImportKeys` of internal/decryptor/decryptor.go: they come from the Secret of `decryption.secretRef`,
or else from the one of the controller's `--sops-age-secret`, of which only `*.agekey` counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.keys.keyfile import parse_keys
from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS, RecipientKey

from .keygroups import opens
from .keynames import AGE_SUFFIX, is_read
from .model import Cluster
from .since import GLOBAL_KEY
from .store import Held, Store
from .versions import GLOBAL_KEY as FLAG


def is_useless(held: Held) -> bool:
    """Whether Flux ignores all data keys of a Secret, by their names."""
    names = held.values
    return held.complete and not any(map(is_read, names))


def cluster_for(written: FluxKustomization, cluster: Cluster, store: Store) -> Cluster:
    """The cluster as a Kustomization sees it: without private keys, if its Secret has none for it."""
    if written.decryption is None:
        return cluster
    name = written.decryption.secret
    hint = _own_secret(written.namespace, name, store) if name else _global_secret(cluster, store)
    if hint is None:
        keys = _known_keys(_secret_of(written, cluster, store))
        if keys:
            return replace(cluster, opens=partial(opens, keys=keys))
        return cluster if name else replace(cluster, opens=partial(_opens_with_age, cluster.opens))
    return replace(cluster, opens=_opens_without_private_keys, without_keys=hint)


def _secret_of(written: FluxKustomization, cluster: Cluster, store: Store) -> Held | None:
    """The Secret with the keys of a Kustomization, if a file of the repository makes it."""
    if written.decryption is not None and written.decryption.secret:
        return store.get("Secret", written.namespace, written.decryption.secret)
    found = cluster.controller.global_key
    return store.get("Secret", found.namespace, found.name) if found is not None else None


def _known_keys(held: Held | None) -> frozenset[RecipientKey]:
    """The public keys of a Secret's private keys, which count more than what the settings say.

    Empty if some key is not known here, or is not one of age. The private keys go no further.
    """
    if held is None or not held.complete:
        return frozenset()
    found: set[RecipientKey] = set()
    for name, value in held.values.items():
        if not is_read(name):
            continue
        if value is None or not name.endswith(AGE_SUFFIX):
            return frozenset()
        try:
            identities = parse_keys(value.encode(), origin="", path="").identities
        except FluxsecretsError:
            return frozenset()
        found |= {("age", identity.recipient) for identity in identities}
    return frozenset(found)


def _own_secret(namespace: str | None, name: str, store: Store) -> str | None:
    """What to do about the Secret of `decryption.secretRef`, or None if it may have keys."""
    held = store.get("Secret", namespace, name)
    if held is None or not is_useless(held):
        return None
    return f"give the Secret {name!a}, which `decryption.secretRef` names, a key that ends in `{AGE_SUFFIX}`"


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
    if held is None or not held.complete or any(name.endswith(AGE_SUFFIX) for name in held.values):
        return None
    return f"give the Secret {found.name!a}, which `{FLAG}` names, a key that ends in `{AGE_SUFFIX}`"


def _opens_with_age(opens: Callable[[Metadata], bool | None], metadata: Metadata) -> bool | None:
    """Whether a file opens without the PGP keys of the cluster, which `--sops-age-secret` does not give."""
    groups = metadata.recipients
    usable = sum(any(one.kind != "pgp" for one in group) for group in groups)
    return opens(metadata) if usable >= groups_needed(groups, metadata.shamir_threshold) else False


def _opens_without_private_keys(metadata: Metadata) -> bool | None:
    """False if the groups that a service's role opens are too few; what a role opens, nothing tells."""
    groups = metadata.recipients
    by_role = sum(any(not KINDS[one.kind].local for one in group) for group in groups)
    return None if by_role >= groups_needed(groups, metadata.shamir_threshold) else False
