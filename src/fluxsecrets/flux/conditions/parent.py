"""A Kustomization that its parent can't apply."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.flux.model import KustomizationVerdict, Verdict
from fluxsecrets.repo.outcome import Effect, Outcome

from .situation import Situation, shown


def check(situation: Situation) -> Iterator[Outcome]:
    """Flux applies all objects of a Kustomization or none: a Kustomization among them stays as it was.

    What is in the cluster goes on from the new commit with its old spec, so that a Kustomization whose parent
    fails has a verdict of its own. One that the API server refuses is never made.
    """
    key, written = situation.applied.parent, situation.kustomization
    parent = situation.before.get(key)
    if parent is None or key is None or key == written.key:
        return
    if parent.verdict is not Verdict.FAILS:
        if parent.applied.kustomization is not None and parent.applied.kustomization.remote:
            reason = f"{shown(key)} applies it to another cluster"
            yield situation.outcome(Effect.UNKNOWN, "other-cluster", reason)
        return
    refused = _refused(situation, parent)
    if refused is not None:
        yield refused
        return
    reason = f"Kustomization {shown(key)}, which applies this one, fails: it stays as it was, if it was there"
    yield Outcome(Effect.ALTERED, "parent-fails", reason, written.file, written.line)


def _refused(situation: Situation, parent: KustomizationVerdict) -> Outcome | None:
    """Why the API server refuses it."""
    written = situation.kustomization
    for each in parent.objects:
        item = each.item
        if (item.kind, item.name, item.file, item.line) == (
            "Kustomization",
            written.name,
            written.file,
            written.line,
        ):
            return next((one for one in each.outcomes if one.effect is Effect.FAILS), None)
    return None
