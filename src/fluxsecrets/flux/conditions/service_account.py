"""`decryption.serviceAccountName`, which needs a feature gate of the controller."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.flux.versions import WORKLOAD_IDENTITY_GATE as GATE
from fluxsecrets.repo.manifests import text
from fluxsecrets.repo.outcome import Effect, Outcome

from .situation import Situation

_STEPS = ("spec", "decryption", "serviceAccountName")


def check(situation: Situation) -> Iterator[Outcome]:
    """Follows `Reconcile` of kustomization_controller.go."""
    item, gates = situation.applied.item, situation.cluster.controller.gates
    if item is None or not text(item.data, *_STEPS) or (gates is not None and GATE in gates):
        return
    reason = (
        "to use spec.decryption.serviceAccountName for decryption authentication please enable the "
        f"{GATE} feature gate in the controller"
    )
    hint = f"add `--feature-gates={GATE}=true` to the arguments of kustomize-controller"
    if gates is None:
        effect, reason = Effect.UNKNOWN, f"{reason}; the repository does not have its arguments"
    else:
        effect = Effect.FAILS
    yield situation.outcome(effect, "decryption-service-account", reason, _STEPS, hint)
