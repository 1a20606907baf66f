"""The source of a Kustomization that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.flux import same_address
from fluxsecrets.repo.ordering import Key
from fluxsecrets.repo.outcome import Effect, Outcome

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
    if situation.cluster.keeps_namespaces and not same(wanted, (written.namespace, source.name)):
        reason = f"can't access '{place}', cross-namespace references have been blocked"
        yield situation.outcome(Effect.FAILS, "source-blocked", reason, _STEPS)
        return
    if source.kind == _ARTIFACT:
        gates = situation.cluster.gates
        if gates is not None and _ARTIFACT not in gates:
            reason = f"can't access '{place}', {_ARTIFACT} feature gate is disabled"
            hint = f"add `--feature-gates={_ARTIFACT}=true` to the arguments of kustomize-controller"
            yield situation.outcome(Effect.FAILS, "source-blocked", reason, _STEPS, hint)
        return
    known = [key for kind, key in situation.overview.sources if kind == source.kind]
    if any(same(wanted, key) for key in known):
        yield from _other_revision(situation, wanted)
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


def _other_revision(situation: Situation, wanted: Key) -> Iterator[Outcome]:
    """A source of this repository that has another branch, tag or commit of it than the root's."""
    graph, source = situation.overview.graph, situation.kustomization.source
    own, theirs = (
        [
            each
            for each in graph.sources
            if reference is not None and each.kind == reference.kind and each.name == reference.name
        ]
        for reference in (graph.source, source)
    )
    theirs = [each for each in theirs if same((each.namespace, each.name), wanted)]
    for first, second in zip(own[:1], theirs[:1], strict=False):
        if first != second and same_address(first.url, second.url) and first.reference != second.reference:
            reason = (
                f"its source has another revision of this repository ({second.reference or 'the default'})"
            )
            yield situation.outcome(Effect.UNKNOWN, "source-of-other-revision", reason, _STEPS)
