"""The source of a Kustomization that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.flux import Source, SourceRef, same_address
from fluxsecrets.repo.graph import Graph
from fluxsecrets.repo.ordering import Key
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.sourcing import differs

from .overview import source_key
from .situation import Situation, same, shown

_STEPS = ("spec", "sourceRef")
_ARTIFACT = "ExternalArtifact"
"""A kind of source, and the feature gate that it needs."""


def check(situation: Situation) -> Iterator[Outcome]:
    """Follows `getSource` of kustomization_controller.go: without a namespace, it is the Kustomization's own.

    An ExternalArtifact is made by other controllers. A source that no file makes may have been made by hand,
    as `flux bootstrap` makes its own: that is taken for granted of those that most Kustomizations have.
    """
    written = situation.kustomization
    source = written.source
    if source is None:
        return
    wanted = source_key(written, source)
    place = f"{source.kind}/{shown(wanted)}"
    if situation.cluster.controller.keeps_namespaces and not same(wanted, (written.namespace, source.name)):
        reason = f"can't access '{place}', cross-namespace references have been blocked"
        yield situation.outcome(Effect.FAILS, "source-blocked", reason, _STEPS)
        return
    if source.kind == _ARTIFACT:
        gates = situation.cluster.controller.gates
        if gates is not None and _ARTIFACT not in gates:
            reason = f"can't access '{place}', {_ARTIFACT} feature gate is disabled"
            hint = f"add `--feature-gates={_ARTIFACT}=true` to the arguments of kustomize-controller"
            yield situation.outcome(Effect.FAILS, "source-blocked", reason, _STEPS, hint)
        return
    known = [key for kind, key in situation.overview.sources if kind == source.kind]
    if any(same(wanted, key) for key in known):
        yield from _other_files(situation, wanted)
        return
    reason = f"Source '{source.kind}/{shown(wanted)}' not found"
    elsewhere = sorted(str(namespace) for namespace, name in known if name == source.name)
    if elsewhere:
        hint = f"set `namespace: {elsewhere[0]}` in sourceRef"
        yield situation.outcome(Effect.FAILS, "source-in-other-namespace", reason, _STEPS, hint)
    else:
        hint = f"add the {source.kind} to the repository, or correct the name"
        yield situation.outcome(
            Effect.UNKNOWN, "source-not-found", f"{reason}, unless it was made by hand", _STEPS, hint
        )


def _other_files(situation: Situation, wanted: Key) -> Iterator[Outcome]:
    """A source that has other files than this repository: more of them, or another revision."""
    graph, source = situation.overview.graph, situation.kustomization.source
    if source is None:
        return
    theirs = next((each for each in _named(graph, source) if same((each.namespace, each.name), wanted)), None)
    own = next(_named(graph, graph.source), None) if graph.source is not None else None
    if theirs is None:
        return
    if theirs.is_more:
        reason = f"{source.kind}/{shown(wanted)} has files of other repositories or submodules, too"
        yield situation.outcome(Effect.UNKNOWN, "source-has-more", reason, _STEPS)
    if own is None or own == theirs or not same_address(own.url, theirs.url):
        return
    if own.reference != theirs.reference:
        reason = f"its source has another revision of this repository ({theirs.reference or 'the default'})"
        yield situation.outcome(Effect.UNKNOWN, "source-of-other-revision", reason, _STEPS)


def _named(graph: Graph, reference: SourceRef) -> Iterator[Source]:
    return (each for each in graph.sources if not differs(SourceRef(each.kind, None, each.name), reference))
