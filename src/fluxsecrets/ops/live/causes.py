"""Why the Secrets of a Kustomization may differ as a whole: Flux has not applied what the repository says."""

from __future__ import annotations

from dataclasses import dataclass

from fluxsecrets.cluster.kinds import KUSTOMIZATION
from fluxsecrets.cluster.model import LiveObject, Name
from fluxsecrets.repo.manifests import text

from .commands import flux
from .situation import Situation


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for all differences of a Kustomization's Secrets.

    Attributes:
        text: such as `its Kustomization flux-system/apps is suspended`.
        hint: what to do about it, or "".
        intended: somebody said so.
    """

    text: str
    hint: str = ""
    intended: bool = False


def cause_of(situation: Situation, owner: Name | None) -> Cause | None:
    """Return the cause of what differs in a Kustomization's Secrets; None if it lies with each of them.

    Args:
        situation: the environment and its cluster.
        owner: namespace and name of the Kustomization; None for a root that nothing syncs.
    """
    if owner is None:
        return None
    live = situation.cluster.get(KUSTOMIZATION, *owner)
    if isinstance(live, LiveObject):
        return _of_live(situation, live)
    return Cause(f"the cluster does not have its Kustomization {'/'.join(owner)}") if live is None else None


def _of_live(situation: Situation, live: LiveObject) -> Cause | None:
    shown = f"its Kustomization {'/'.join(live.key)}"
    if live.suspended:
        hint = f"`{_flux(situation, 'resume', live.key)}` makes Flux apply it again"
        return Cause(f"{shown} is suspended", hint, intended=True)
    ready = live.condition("Ready")
    if ready is not None and ready.status == "False":
        return Cause(f"{shown} is not ready{f' ({ready.reason})' if ready.reason else ''}")
    if _is_behind(live, situation.head):
        hint = (
            f"`{_flux(situation, 'reconcile', live.key, '--with-source')}` makes Flux apply the newest commit"
        )
        return Cause(f"{shown} has applied another commit", hint)
    return None


def reconcile(situation: Situation, owner: Name) -> str:
    """Return the command that makes Flux apply a Kustomization now."""
    return _flux(situation, "reconcile", owner)


def _flux(situation: Situation, verb: str, owner: Name, *more: str) -> str:
    namespace, name = owner
    return flux(situation.cluster.origin, verb, "kustomization", name, "-n", namespace, *more)


def _is_behind(live: LiveObject, head: str | None) -> bool:
    """Whether Flux has applied another commit than the one that is checked out here."""
    applied = (text(live.data, "status", "lastAppliedRevision") or "").rpartition(":")[2]
    return bool(head and applied and len(applied) == len(head) and applied != head)
