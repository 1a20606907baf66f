"""Whether a cluster is the one that an environment is for.

The Kustomization that syncs the environment tells: its path in the cluster, and the address of its source.
To compare staging with the production cluster would give hundreds of findings, all of them wrong.
"""

from __future__ import annotations

from fluxsecrets.cluster.kinds import KUSTOMIZATION, SOURCES
from fluxsecrets.cluster.model import Gap, LiveCluster, LiveObject, Why
from fluxsecrets.errors import ClusterError
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.flux import SYSTEM, FluxKustomization, same_address
from fluxsecrets.repo.manifests import text
from fluxsecrets.repo.tree import inside

_OVERRIDE = "compare all the same with --any-cluster"


def require_own_cluster(environment: Environment, cluster: LiveCluster) -> None:
    """Refuse a cluster that is another environment's.

    Raises:
        ClusterError: it syncs another folder or repository, or nothing tells and nobody named it.
    """
    own = next((each for each in environment.graph.applied[:1] if each.kustomization is not None), None)
    if own is None or own.kustomization is None:
        if cluster.origin.chosen:
            return
        raise ClusterError(
            f"nothing in the repository tells which cluster {environment.name} is for",
            hint=_other(cluster),
        )
    item = own.kustomization
    namespace = item.namespace or SYSTEM
    live = cluster.get(KUSTOMIZATION, namespace, item.name)
    if isinstance(live, Gap):
        if cluster.origin.chosen and live.why is not Why.NO_SUCH_KIND:
            return
        raise ClusterError(f"{live.what} can't be read: {live.why}", hint=live.hint or _other(cluster))
    if live is None:
        raise ClusterError(
            f"{shown_cluster(cluster)} is not the one of {environment.name}: "
            f"it has no Kustomization {namespace}/{item.name}",
            hint=_other(cluster),
        )
    path = inside(text(live.data, "spec", "path") or "")
    if item.path is not None and path != item.path:
        raise ClusterError(
            f"{shown_cluster(cluster)} is not the one of {environment.name}: its Kustomization "
            f"{namespace}/{item.name} applies {path or 'the root'!a}, not {item.path or 'the root'!a}",
            hint=_other(cluster),
        )
    _require_own_source(environment, cluster, item, live)


def shown_cluster(cluster: LiveCluster) -> str:
    """Return a cluster as messages name it."""
    origin = cluster.origin
    if origin.folder:
        return f"the cluster of the dump {origin.folder!a}"
    return (
        f"the cluster of context {origin.context!a}" if origin.context else f"the cluster at {origin.server}"
    )


def _require_own_source(
    environment: Environment, cluster: LiveCluster, item: FluxKustomization, live: LiveObject
) -> None:
    """Another repository may have a folder of the same name."""
    own = environment.graph.source
    kind, name = text(live.data, "spec", "sourceRef", "kind"), text(live.data, "spec", "sourceRef", "name")
    if own is None or kind not in SOURCES or name is None:
        return
    namespace = text(live.data, "spec", "sourceRef", "namespace") or live.namespace
    source = cluster.get(SOURCES[kind], namespace, name)
    url = text(source.data, "spec", "url") if isinstance(source, LiveObject) else None
    expected = next(
        (each.url for each in environment.graph.sources if (each.kind, each.name) == (own.kind, own.name)), ""
    )
    if url and expected and not same_address(url, expected):
        raise ClusterError(
            f"{shown_cluster(cluster)} is not the one of {environment.name}: "
            f"it syncs another repository than {item.name} in {item.file}",
            hint=_other(cluster),
        )


def _other(cluster: LiveCluster) -> str:
    """Return how to name the right cluster, or environment."""
    right = "name its environment with --env" if cluster.origin.folder else "name its context with --context"
    return f"{right}, or {_OVERRIDE}"
