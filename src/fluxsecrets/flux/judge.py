"""A verdict per Kustomization, in the order in which Flux applies them.

The stages are those of kustomize-controller's `reconcile`: the Kustomization itself, the files that are
decrypted before the build, the build, then decryption and substitution of each object, and what the API
server takes of the result. A stage gives outcomes; none stops the next, so that all that is wrong is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fluxsecrets.repo.decryption import Fate, Treatment
from fluxsecrets.repo.graph import Applied, Graph
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import Tree

from .ciphertexts import check_ciphertexts
from .decrypting import decrypt
from .kustomizations import check_kustomization
from .model import Cluster, KustomizationVerdict, ObjectVerdict
from .normalise import check_encrypted, normalise
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
    objects = tuple(_object(applied, item, cluster, variables) for item in applied.built)
    of_objects = (outcome for each in objects for outcome in each.outcomes)
    outcomes = (*before, *applied.outcomes, *variables.outcomes, *of_objects)
    return KustomizationVerdict(applied, objects, tuple(dict.fromkeys(outcomes)))


def _object(applied: Applied, item: Object, cluster: Cluster, variables: Variables) -> ObjectVerdict:
    decrypted = decrypt(applied, item, cluster)
    substituted = substitute(applied, item, decrypted.data, variables, strict=cluster.strict)
    data = normalise(substituted.data)
    wrong = [
        *decrypted.outcomes,
        *substituted.outcomes,
        *check_object(item, substituted.data),
        *check_encrypted(applied, item, data),
    ]
    if not any(each.effect in (Effect.FAILS, Effect.CIPHERTEXT) for each in wrong):
        wrong += check_ciphertexts(applied, item, data)
    return ObjectVerdict(
        item, data, _treatment(decrypted.treatment, wrong), substituted.changed, tuple(wrong)
    )


def _treatment(treatment: Treatment, outcomes: Iterable[Outcome]) -> Treatment:
    """What becomes of the object, as far as its ciphertexts are concerned."""
    for effect, fate in ((Effect.FAILS, Fate.FAILS), (Effect.CIPHERTEXT, Fate.CIPHERTEXT)):
        found = next((each for each in outcomes if each.effect is effect), None)
        if found is not None:
            return replace(treatment, fate=fate, reason=found.reason)
    return treatment
