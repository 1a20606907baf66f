"""Whether the cluster has the environment's Kustomizations, and reconciles them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fluxsecrets.cluster.kinds import KUSTOMIZATION
from fluxsecrets.cluster.model import Gap, LiveObject
from fluxsecrets.ops.live.causes import kustomization_command
from fluxsecrets.ops.live.messages import shown
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Subject
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.repo.manifests import Plain, dig
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.tree import inside

INFO: Final = CheckInfo("kustomizations", "Kustomizations")


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find Kustomizations that are missing, left over, suspended, or not ready."""
    listing = situation.cluster.listing(KUSTOMIZATION)
    if listing.gap is not None:
        yield INFO.gap(listing.gap)
    known = set()
    for verdict, item, key in situation.kustomizations:
        known.add(key)
        live = situation.cluster.get(KUSTOMIZATION, *key)
        if isinstance(live, LiveObject):
            yield from _judge(situation, item, live)
            yield from _judge_spec(situation, verdict.applied.item, item, live)
        elif "${" in "".join(key):
            yield INFO.unknown(
                Subject("Kustomization", *key), "its name has a variable that is not known here", at=item
            )
        elif not isinstance(live, Gap):
            yield INFO.wrong(
                Subject("Kustomization", *key),
                "the cluster does not have it",
                hint="look at the Kustomization that applies it",
                at=item,
            )
    for live in listing.objects:
        owner = live.owner
        if live.key not in known and owner is not None and owner in known:
            yield INFO.wrong(
                Subject("Kustomization", *live.key),
                "the repository does not have it any more",
                hint=f"delete it if Flux does not: its owner {owner[1]} may have `prune: false`",
            )


def _judge(situation: Situation, item: FluxKustomization, live: LiveObject) -> Iterator[LiveFinding]:
    subject = Subject("Kustomization", *live.key)
    if live.suspended:
        command = kustomization_command(situation, "resume", live.key)
        if item.suspend:
            yield INFO.intended(subject, "it is suspended, as in the repository", at=item)
        else:
            yield INFO.wrong(
                subject, "it is suspended in the cluster only", hint=f"`{command}` resumes it", at=item
            )
        return
    if item.suspend:
        yield INFO.wrong(subject, "the repository suspends it, and the cluster reconciles it", at=item)
    ready, stalled = live.condition("Ready"), live.condition("Stalled")
    if ready is None or ready.status == "Unknown" or not live.observed:
        yield INFO.unknown(subject, "Flux has not finished reconciling it", hint="try again later", at=item)
    elif ready.status == "False":
        why = "it is stalled" if stalled is not None and stalled.status == "True" else "it is not ready"
        said = shown(situation, ready.message)
        yield INFO.wrong(
            subject,
            f"{why}: {ready.reason or 'no reason given'}",
            hint=f"see `{kustomization_command(situation, 'get', live.key)}`",
            details=(said,) if said else (),
            at=item,
        )


def _judge_spec(
    situation: Situation, written: Object | None, item: FluxKustomization, live: LiveObject
) -> Iterator[LiveFinding]:
    """What was changed in the cluster; values of variables are not compared."""
    if written is None:
        return
    differing = [field for field in _FIELDS if _differs(written.data, live.data, field)]
    if differing:
        shown_fields = ", ".join(f"spec.{field}" for field in differing)
        yield INFO.wrong(
            Subject("Kustomization", *live.key),
            f"{shown_fields} {'differ' if len(differing) > 1 else 'differs'} from the repository",
            hint=f"see `{kustomization_command(situation, 'export', live.key)}`",
            at=item,
        )


_FIELDS: Final = (
    "path",
    "prune",
    "decryption",
    "sourceRef",
    "targetNamespace",
    "serviceAccountName",
    "kubeConfig",
)
"""Fields that decide what is decrypted, applied and deleted, and as whom."""


def _differs(written: Plain, live: Plain, field: str) -> bool:
    value = _field(written, field)
    # A variable whose value is not known here can't be compared.
    return "${" not in str(value) and value != _field(live, field)


def _field(data: Plain, field: str) -> object:
    value = dig(data, "spec", field)
    if field == "path":
        return inside(value) if isinstance(value, str) else ""
    if field == "prune":
        return value is True
    if field == "sourceRef" and isinstance(value, dict):
        return tuple(value.get(key) for key in ("kind", "name"))
    return value or None


CHECK: Final = Check(INFO, check)
