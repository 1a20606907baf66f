"""Objects that make other objects which only the cluster knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fluxsecrets.repo.applied import Applied
from fluxsecrets.repo.flux import HELM_GROUP, OPERATOR_GROUP
from fluxsecrets.repo.manifests import dig
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome

_SYNC_CHART = "flux2-sync"
"""A chart that makes Kustomizations and their sources."""


def applied_by_others(applied: Applied, others: Sequence[str]) -> Outcome:
    """A folder that nothing of Flux syncs, in a repository that other tools apply."""
    reason = (
        f"nothing of Flux syncs this folder, and {' and '.join(others)} may apply it: what becomes of it, "
        "and whether it is decrypted, is not known here"
    )
    hint = "if Flux applies it, add the Kustomization that syncs it"
    return Outcome(Effect.UNKNOWN, "applied-by-other-tool", reason, applied.folder or None, None, hint)


def check_unanalysed(item: Object) -> Iterator[Outcome]:
    """A ResourceSet, or a chart of Kustomizations: what they make is neither read nor judged."""
    chart = dig(item.data, "spec", "chart", "spec", "chart")
    made_by_chart = item.group == HELM_GROUP and item.kind == "HelmRelease" and chart == _SYNC_CHART
    if made_by_chart or (item.group == OPERATOR_GROUP and item.kind == "ResourceSet"):
        reason = f"not analysed: what the {item.kind} {item.name!a} makes is known in the cluster only"
        yield Outcome(Effect.UNKNOWN, "made-in-cluster", reason, item.file, item.line)
