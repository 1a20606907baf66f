"""A verdict per Kustomization, in the order in which Flux applies them.

The stages are those of kustomize-controller's `reconcile`: the Kustomization itself, the files that are
decrypted before the build, the build, then decryption and substitution of each object, and what the API
server takes of the result. A stage gives outcomes; none stops the next, so that all that is wrong is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from fluxsecrets.repo.decryption import Fate, Treatment
from fluxsecrets.repo.graph import Applied, Graph
from fluxsecrets.repo.kustomize.build import Builder
from fluxsecrets.repo.kustomize.built import Built
from fluxsecrets.repo.kustomize.hashing import with_hashes
from fluxsecrets.repo.manifests import dig
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.repo.ordering import Key
from fluxsecrets.repo.outcome import Effect, Outcome, worst
from fluxsecrets.repo.tree import Layers, Tree
from fluxsecrets.repo.unknown import SIGN, UNKNOWN

from .ciphertexts import check_ciphertexts
from .conditions import check_conditions
from .conditions.overview import Overview
from .conditions.situation import Situation
from .conditions.suspended import SUSPENDED
from .decrypting import decrypt
from .inspection import Inspections
from .keys import cluster_for
from .model import Cluster, KustomizationVerdict, ObjectVerdict, Verdict
from .normalise import check_encrypted
from .ownership import Ownership
from .reasons import without_values
from .shared import Shared
from .sources import Sources, decrypt_sources
from .specs import check_spec
from .store import Store, store_of
from .substitution import check_names, substitute, unopened
from .unanalysed import applied_by_others, check_unanalysed
from .values import decoded
from .variables import Makers, Variables, read_variables

_OF_THE_BUILD = ("decryption failed for ", "post build failed for ")
"""Flux says this about an object before it applies any: it comes first, whichever object it is."""

_FATES = {Effect.FAILS: Fate.FAILS, Effect.CIPHERTEXT: Fate.CIPHERTEXT}


def judge(
    tree: Tree, graph: Graph, cluster: Cluster, shared: Shared | None = None
) -> tuple[KustomizationVerdict, ...]:
    """Say what becomes of each Kustomization of a graph, in its order.

    Args:
        tree: the files that reach Flux.
        graph: of the environment.
        cluster: what is known of the cluster.
        shared: what was found out for other environments of the same repository, if any.
    """
    shared = shared if shared is not None else Shared()
    store = store_of(cluster.present)
    overview, ownership = Overview(graph), Ownership()
    makers = Makers(graph.applied)
    found: dict[int, KustomizationVerdict] = {}
    before: dict[Key | None, KustomizationVerdict] = {}
    for applied in makers.in_order():
        verdict = _judged(tree, overview, applied, cluster, store, makers, before, shared)
        contested = ownership.add(verdict)
        if contested:
            verdict = replace(verdict, outcomes=(*verdict.outcomes, *contested))
        found[id(applied)] = verdict
        before[applied.key] = verdict
        is_here = applied.kustomization is None or not applied.kustomization.remote
        if is_here and verdict.verdict is not Verdict.FAILS:  # nothing is applied of one that fails
            store = store.with_objects(verdict.objects, applied.key)
    return without_values(found[id(applied)] for applied in graph.applied)


def _judged(
    tree: Tree,
    overview: Overview,
    applied: Applied,
    cluster: Cluster,
    store: Store,
    makers: Makers,
    earlier: Mapping[Key | None, KustomizationVerdict],
    shared: Shared,
) -> KustomizationVerdict:
    before: tuple[Outcome, ...] = ()
    if applied.kustomization is None and cluster.others:
        return KustomizationVerdict(applied, outcomes=(applied_by_others(applied, cluster.others),))
    if applied.kustomization is not None:
        situation = Situation(overview, applied, applied.kustomization, cluster, store, earlier)
        before = tuple(check_conditions(situation))
        cluster = cluster_for(applied.kustomization, cluster, store)
    tree = applied.tree if applied.tree is not None else tree
    sources = decrypt_sources(tree, applied, cluster, shared.listings)
    before = (*before, *sources.outcomes)
    rebuilt = _rebuilt(tree, applied, sources)
    variables = read_variables(applied, store, makers, cluster.mentions)
    objects = tuple(
        _object(applied, item, cluster, variables, shared.inspections) for item in rebuilt.objects
    )
    of_objects = [outcome for each in objects for outcome in each.outcomes]
    of_objects.sort(key=lambda each: not each.reason.startswith(_OF_THE_BUILD))
    outcomes = (
        *before,
        *applied.misplaced,
        *_not_said(rebuilt.outcomes, before),
        *variables.outcomes,
        *of_objects,
        *check_names(objects),
    )
    if applied.kustomization is not None and applied.kustomization.suspend:
        outcomes = tuple(each for each in before if each.behaviour == SUSPENDED)  # Flux sees nothing else
    return KustomizationVerdict(applied, objects, tuple(dict.fromkeys(outcomes)), sources.verdicts)


def _not_said(outcomes: Iterable[Outcome], before: Iterable[Outcome]) -> Iterator[Outcome]:
    """Failures of the build, without those that stop Flux before it at the same place."""
    known = {(each.path, each.line) for each in before if each.effect is Effect.FAILS and each.path}
    return (
        each for each in outcomes if each.effect is not Effect.FAILS or (each.path, each.line) not in known
    )


def _rebuilt(tree: Tree, applied: Applied, sources: Sources) -> Built:
    """What is built of the decrypted files, if some of the files are decrypted."""
    if not sources.contents or applied.folder is None:
        return Built(tuple(with_hashes(applied.built)), outcomes=applied.outcomes)
    decrypted = replace(tree, planned=Layers(sources.contents, tree.planned))
    built = Builder(decrypted).build(applied.folder, applied.overlay)
    return replace(built, objects=tuple(with_hashes([*map(_with_unknowns, built.objects)])))


def _with_unknowns(item: Object) -> Object:
    """A generated object, with values made of what is not known marked as such: base64 hides it.

    Where the keys of a file under `envs` are not known, they are left out.
    """
    values = dig(item.data, "data")
    if item.generated is None or not isinstance(values, dict):
        return item
    known = {key: value for key, value in values.items() if SIGN not in key}
    if item.kind == "Secret":
        known = {
            key: UNKNOWN if SIGN.encode() in (decoded(value) or b"") else value
            for key, value in known.items()
        }
    if known == values:
        return item
    made = item.generated
    if len(known) < len(values):
        made = replace(made, keys=tuple(key for key in made.keys if SIGN not in key), complete=False)
    return replace(with_data(item, {**item.data, "data": known}), generated=made)


def _object(
    applied: Applied, item: Object, cluster: Cluster, variables: Variables, inspections: Inspections
) -> ObjectVerdict:
    decrypted = decrypt(applied, item, cluster)
    if any(each.effect is Effect.FAILS for each in decrypted.outcomes):
        # Flux stops here: what later stages say of the ciphertext is not what is wrong with it.
        return ObjectVerdict(
            item, decrypted.data, decrypted.treatment, False, decrypted.outcomes, decrypted.by_key
        )
    closed = unopened(decrypted.data, variables)
    substituted = substitute(item, decrypted.data, variables, strict=cluster.controller.strict)
    if any(each.effect is Effect.FAILS for each in substituted.outcomes):
        outcomes = (*decrypted.outcomes, *substituted.outcomes)
        treatment = _treatment(decrypted.treatment, outcomes)
        return ObjectVerdict(item, substituted.data, treatment, False, outcomes, decrypted.by_key, closed)
    inspected = inspections.of(item, substituted.data)
    data = inspected.data
    required = tuple(check_encrypted(applied, item, data, cluster))
    wrong = [
        *decrypted.outcomes,
        *substituted.outcomes,
        *required,
        *inspected.wrong,
        *check_spec(item, substituted.data, cluster),
        *check_unanalysed(item),
    ]
    if not required and not any(each.effect is Effect.CIPHERTEXT for each in wrong):
        wrong += check_ciphertexts(applied, item, inspected.ciphertexts, cluster)
    treatment = _treatment(decrypted.treatment, wrong)
    return ObjectVerdict(item, data, treatment, substituted.changed, tuple(wrong), decrypted.by_key, closed)


def _treatment(treatment: Treatment, outcomes: Iterable[Outcome]) -> Treatment:
    """What becomes of the object's ciphertexts."""
    found = worst(outcomes)
    if found is None or found.effect not in _FATES:
        return treatment
    return replace(treatment, fate=_FATES[found.effect], reason=found.reason)
