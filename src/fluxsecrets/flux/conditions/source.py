"""The source of a Kustomization that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.outcome import Effect, Outcome

from .overview import source_key
from .situation import Situation, same, shown

_STEPS = ("spec", "sourceRef")


def check(situation: Situation) -> Iterator[Outcome]:
    """Follows `getSource` of kustomization_controller.go: without a namespace, it is the Kustomization's own.

    An ExternalArtifact is made by other controllers. A source that no file makes may have been made by hand,
    as `flux bootstrap` makes its own: that is taken for granted of those that most Kustomizations have.
    """
    written = situation.kustomization
    source = written.source
    if source is None or source.kind == "ExternalArtifact":
        return
    wanted = source_key(written, source)
    known = [key for kind, key in situation.overview.sources if kind == source.kind]
    if any(same(wanted, key) for key in known):
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
