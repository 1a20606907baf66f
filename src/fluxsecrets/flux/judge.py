"""A verdict per Kustomization, in the order in which Flux applies them.

The stages are those of kustomize-controller's `reconcile`: the Kustomization itself, the files that are
decrypted before the build, the build, then decryption and substitution of each object, and what the API
server takes of the result. A stage gives outcomes; none stops the next, so that all that is wrong is shown.
"""

from __future__ import annotations

from fluxsecrets.repo.graph import Applied, Graph
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.tree import Tree

from .decrypting import decrypt
from .kustomizations import check_kustomization
from .model import Cluster, KustomizationVerdict, ObjectVerdict
from .sources import check_sources
from .store import Store
from .substitution import Variables, read_variables, substitute
from .validity import check_object


def judge(tree: Tree, graph: Graph, cluster: Cluster) -> tuple[KustomizationVerdict, ...]:
    """Say what becomes of each Kustomization of a graph, in its order.

    Args:
        tree: the files that reach Flux.
        graph: of the environment.
        cluster: what is known of the cluster.
    """
    store = Store()
    found = []
    for applied in graph.applied:
        verdict = _judged(tree, graph, applied, cluster, store)
        found.append(verdict)
        store = store.with_objects(verdict.objects, applied.key)
    return tuple(found)


def _judged(
    tree: Tree, graph: Graph, applied: Applied, cluster: Cluster, store: Store
) -> KustomizationVerdict:
    before = (*check_kustomization(graph, applied, store), *check_sources(tree, applied, cluster))
    variables = read_variables(applied, store)
    objects = tuple(_object(tree, applied, item, cluster, variables) for item in applied.built)
    of_objects = (outcome for each in objects for outcome in each.outcomes)
    outcomes = (*before, *applied.outcomes, *variables.outcomes, *of_objects)
    return KustomizationVerdict(applied, objects, tuple(dict.fromkeys(outcomes)))


def _object(
    tree: Tree, applied: Applied, item: Object, cluster: Cluster, variables: Variables
) -> ObjectVerdict:
    decrypted = decrypt(tree, applied, item, cluster)
    substituted = substitute(applied, item, decrypted.data, variables, strict=cluster.strict)
    return ObjectVerdict(
        item,
        substituted.data,
        decrypted.treatment,
        substituted.changed,
        (*decrypted.outcomes, *substituted.outcomes, *check_object(item, substituted.data)),
    )
