"""Whether the cluster applied the commit that is checked out here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fluxsecrets.cluster.kinds import GIT_REPOSITORY, KUSTOMIZATION, SOURCES
from fluxsecrets.cluster.model import LiveObject, Name
from fluxsecrets.ops.live.causes import reconcile
from fluxsecrets.ops.live.commands import flux
from fluxsecrets.ops.live.commits import COMMIT, distance
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Subject
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.repo.git.worktree import changed_since_head
from fluxsecrets.repo.manifests import dig, text

INFO: Final = CheckInfo("revisions", "revisions")

_MOST = 10
_ORIGIN = "org.opencontainers.image.revision"
"""The annotation of an OCI artifact with the commit that it was made of."""


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find Kustomizations that lag behind their source, and sources that are not at the commit here."""
    yield from _uncommitted(situation)
    seen: set[tuple[str, Name]] = set()
    for _, item, key in situation.kustomizations:
        live = situation.cluster.get(KUSTOMIZATION, *key)
        source = source_of(situation, live) if isinstance(live, LiveObject) else None
        if source is None or not isinstance(live, LiveObject):
            continue
        yield from _lag(situation, live, source, item)
        if (source.kind.name, source.key) not in seen:
            seen.add((source.kind.name, source.key))
            yield from _judge_source(situation, source)


def source_of(situation: Situation, live: LiveObject) -> LiveObject | None:
    """Return what a Kustomization of the cluster is built from, if it could be read."""
    reference = dig(live.data, "spec", "sourceRef")
    kind = SOURCES.get(text(reference, "kind") or "")
    name = text(reference, "name")
    if kind is None or name is None:
        return None
    found = situation.cluster.get(kind, text(reference, "namespace") or live.namespace, name)
    return found if isinstance(found, LiveObject) else None


def _lag(
    situation: Situation, live: LiveObject, source: LiveObject, item: FluxKustomization
) -> Iterator[LiveFinding]:
    """What Flux has fetched and not applied. One that is suspended or not ready was reported as such."""
    ready = live.condition("Ready")
    applied, fetched = text(live.data, "status", "lastAppliedRevision"), _revision(source)
    if live.suspended or ready is None or ready.status != "True" or fetched is None or applied == fetched:
        return
    yield INFO.wrong(
        Subject("Kustomization", *live.key),
        f"it is at {shown_revision(applied)}, and its source is at {shown_revision(fetched)}",
        hint=f"`{reconcile(situation, live.key)}` applies it",
        at=item,
    )


def _judge_source(situation: Situation, source: LiveObject) -> Iterator[LiveFinding]:
    fetched = _origin(source)
    if fetched is None or situation.head is None:
        return
    subject = Subject(source.kind.name, *source.key)
    match = COMMIT.search(fetched)
    if match is None:
        yield INFO.unknown(subject, f"its revision {shown_revision(fetched)} does not tell the commit")
        return
    found = distance(situation, match[1])
    if found is None:
        yield INFO.unknown(
            subject, f"it is at commit {match[1][:10]}, which is not here", hint="`git fetch` may bring it"
        )
        return
    here, there = found
    if here and there:
        yield INFO.unknown(
            subject,
            f"it is at commit {match[1][:10]}, and this branch is another one",
            hint="check out the branch that the cluster follows",
        )
    elif here and _pin(source):
        yield INFO.intended(
            subject,
            f"it follows {_pin(source)}, {_commits(here)} behind the commit that is checked out here",
            hint="check out the same commit to compare it",
        )
    elif here:
        yield INFO.wrong(
            subject,
            f"it is at commit {match[1][:10]}, {_commits(here)} behind the one that is checked out here",
            hint=_fetch(situation, source),
        )
    elif there:
        yield INFO.unknown(
            subject,
            f"it is at commit {match[1][:10]}, {_commits(there)} ahead of the one that is checked out here",
            hint="`git pull` brings them; until then, differences may be changes that are not here",
        )


_WORDS: Final = {"GitRepository": "git", "OCIRepository": "oci", "Bucket": "bucket"}
"""Sources as `flux reconcile source` names them."""


def _fetch(situation: Situation, source: LiveObject) -> str:
    kind = _WORDS.get(source.kind.name)
    if kind is None:
        return "push the branch, if it is not pushed"
    words = ("reconcile", "source", kind, source.name, "-n", source.namespace)
    return f"push the branch, if it is not pushed; `{flux(situation.cluster.origin, *words)}` fetches it"


def _pin(source: LiveObject) -> str:
    """What it follows in place of a branch, or ""."""
    reference = dig(source.data, "spec", "ref") if source.kind == GIT_REPOSITORY else None
    found = (f"a {key}" for key in ("commit", "name", "semver", "tag") if text(reference, key) is not None)
    return next(found, "")


def _uncommitted(situation: Situation) -> Iterator[LiveFinding]:
    """Files are compared as they are here, and no cluster can have what is not committed."""
    repository = situation.facts.tree.repository
    if repository is None or not repository.has_head():
        return
    changed = sorted(changed_since_head(repository, situation.environment.files))
    if changed:
        files = "1 file has" if len(changed) == 1 else f"{len(changed)} files have"
        yield INFO.unknown(
            None,
            f"{files} changes that are not committed, so that the cluster can't have them",
            hint="commit them, or compare a clean checkout",
            details=tuple(changed[:_MOST]),
        )


def _commits(number: int) -> str:
    return "1 commit" if number == 1 else f"{number} commits"


def _revision(source: LiveObject) -> str | None:
    return text(source.data, "status", "artifact", "revision")


def _origin(source: LiveObject) -> str | None:
    """The commit of an artifact, if it is made of one."""
    metadata = dig(source.data, "status", "artifact", "metadata")
    origin = metadata.get(_ORIGIN) if isinstance(metadata, dict) else None
    return origin if isinstance(origin, str) else _revision(source)


def shown_revision(revision: str | None) -> str:
    """Return a revision with a short commit: `main@sha1:0123456789`."""
    if revision is None:
        return "no revision"
    match = COMMIT.search(revision)
    return ascii(revision[: match.start(1) + 10] if match is not None else revision[:80])[1:-1]


CHECK: Final = Check(INFO, check)
