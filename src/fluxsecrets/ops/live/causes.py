"""Why the Secrets of a Kustomization may differ as a whole: Flux has not applied what the repository says."""

from __future__ import annotations

from dataclasses import dataclass

from fluxsecrets.cluster.kinds import KUSTOMIZATION
from fluxsecrets.cluster.model import LiveObject, Name
from fluxsecrets.repo.manifests import text

from .commands import flux
from .commits import COMMIT, distance
from .model import Standing
from .situation import Situation


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for all differences of a Kustomization's Secrets.

    Attributes:
        text: such as `its Kustomization flux-system/apps is suspended`.
        standing: what that makes of a difference.
        hint: what to do about it, or "".
    """

    text: str
    standing: Standing = Standing.WRONG
    hint: str = ""


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
        hint = f"`{kustomization_command(situation, 'resume', live.key)}` makes Flux apply it again"
        return Cause(f"{shown} is suspended", Standing.INTENDED, hint)
    ready = live.condition("Ready")
    if ready is not None and ready.status == "False":
        return Cause(f"{shown} is not ready{f' ({ready.reason})' if ready.reason else ''}")
    commit = _commit(live)
    if commit is None or situation.head is None or commit == situation.head:
        return None
    return _of_commit(situation, live, commit, shown)


def _of_commit(situation: Situation, live: LiveObject, commit: str, shown: str) -> Cause | None:
    """The cause if Flux has applied another commit than the one that is checked out."""
    found = distance(situation, commit)
    if found is not None and not found.there:
        if not found.here:
            return None
        command = kustomization_command(situation, "reconcile", live.key, "--with-source")
        return Cause(
            f"{shown} has applied an older commit", hint=f"push, and `{command}` makes Flux apply the newest"
        )
    bring = "`git fetch` may bring it" if found is None else "`git pull` may bring it"
    text = f"{shown} has applied commit {commit[:10]}, which is not part of this branch"
    return Cause(text, Standing.UNKNOWN, bring)


def reconcile(situation: Situation, owner: Name) -> str:
    """Return the command that makes Flux apply a Kustomization now."""
    return kustomization_command(situation, "reconcile", owner)


def kustomization_command(situation: Situation, verb: str, key: Name, *more: str) -> str:
    """Return a command of Flux's CLI for a Kustomization."""
    namespace, name = key
    return flux(situation.cluster.origin, verb, "kustomization", name, "-n", namespace, *more)


def _commit(live: LiveObject) -> str | None:
    """The commit that Flux has applied, if it comes from git or its artifact tells."""
    origin = text(live.data, "status", "lastAppliedOriginRevision")
    if origin is None and text(live.data, "spec", "sourceRef", "kind") == "GitRepository":
        origin = text(live.data, "status", "lastAppliedRevision")
    match = COMMIT.search(origin) if origin is not None else None
    return match[1] if match is not None else None
