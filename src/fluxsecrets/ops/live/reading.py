"""What to read of a cluster: the objects that the checks of an environment ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.judged import judged
from fluxsecrets.cluster.decryptionkeys import read_cluster_keys
from fluxsecrets.cluster.kinds import (
    DEPLOYMENT,
    EXTERNAL_SECRET,
    KUSTOMIZATION,
    SEALED_SECRET,
    SERVICE_ACCOUNT,
    SOURCES,
    Kind,
)
from fluxsecrets.cluster.model import ClusterKeys, Name, Wanted
from fluxsecrets.flux.masking import applied_data
from fluxsecrets.flux.store import key_of
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.flux import SYSTEM
from fluxsecrets.repo.objects import with_data


def wanted(facts: Facts, environment: Environment) -> Wanted:
    """Return what the checks of an environment ask for."""
    return Wanted(
        kinds=tuple(_kinds(environment)),
        namespaces=frozenset(_flux_namespaces(environment)),
        secrets=frozenset(_secrets(facts, environment)),
    )


def key_reader(environ: Mapping[str, str]) -> partial[ClusterKeys]:
    """Return what looks for keys in the values of a Secret."""

    def fingerprints(data: bytes) -> tuple[str, ...]:
        from fluxsecrets.keys.pgpfiles import secret_fingerprints  # few clusters have PGP keys

        return secret_fingerprints(environ, data)

    return partial(read_cluster_keys, fingerprints=fingerprints)


def _kinds(environment: Environment) -> Iterator[Kind]:
    yield from (KUSTOMIZATION, DEPLOYMENT, SERVICE_ACCOUNT)
    used = {item.source.kind for item in environment.graph.kustomizations if item.source is not None} or {
        "GitRepository"
    }
    yield from (kind for name, kind in SOURCES.items() if name in used)
    kinds = {(item.group, item.kind) for _, item in environment.graph.objects}
    yield from (kind for kind in (EXTERNAL_SECRET, SEALED_SECRET) if (kind.group, kind.name) in kinds)


def _flux_namespaces(environment: Environment) -> Iterator[str]:
    """The namespaces of Flux's controllers, and of the ServiceAccounts that decrypt."""
    found = False
    for _, each in environment.graph.objects:
        if each.kind == "Deployment" and each.labels.get("app.kubernetes.io/part-of") == "flux":
            found = True
            yield each.namespace or SYSTEM
    sync = environment.graph.sync
    if sync is not None:
        yield sync.namespace
    elif not found:
        yield SYSTEM
    for item in environment.graph.kustomizations:
        if item.decryption is not None and item.decryption.service_account is not None:
            yield item.namespace or SYSTEM


def _secrets(facts: Facts, environment: Environment) -> Iterator[Name]:
    """The Secrets that Flux applies, those that controllers make, and those with keys."""
    for verdict in judged(facts, environment):
        item = verdict.applied.kustomization
        if item is not None and item.decryption is not None and item.decryption.secret is not None:
            yield item.namespace or SYSTEM, item.decryption.secret
        if item is not None and item.remote:
            continue  # it applies to another cluster
        for each in verdict.objects:
            key = key_of(with_data(each.item, applied_data(each)))
            if key is not None and key[0] == "Secret" and key[1] is not None:
                yield key[1], key[2]
