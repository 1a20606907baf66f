"""Whether the sources of the Kustomizations are fetched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fluxsecrets.cluster.kinds import SOURCES, Kind
from fluxsecrets.cluster.model import Gap, LiveObject, Name
from fluxsecrets.ops.live.commands import kubectl
from fluxsecrets.ops.live.messages import shown
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Subject
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.repo.manifests import dig

INFO: Final = CheckInfo("sources", "sources")

_WITHOUT_SUSPEND = frozenset({"ExternalArtifact"})


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find sources that are missing, suspended, or not ready."""
    seen: set[tuple[str, Name]] = set()
    gaps: set[Gap] = set()
    for _, item, key in situation.kustomizations:
        kind = SOURCES.get(item.source.kind) if item.source is not None else None
        if item.source is None or kind is None:
            continue
        name = item.source.namespace or key[0], item.source.name
        if (kind.name, name) in seen:
            continue
        seen.add((kind.name, name))
        live = situation.cluster.get(kind, *name)
        if isinstance(live, Gap):
            if live not in gaps:
                gaps.add(live)
                yield INFO.gap(live)
        elif live is None:
            yield INFO.wrong(
                Subject(kind.name, *name),
                f"the cluster does not have it, and Kustomization {item.name} is built from it",
                at=item,
            )
        else:
            yield from _judge(situation, kind, live, item)


def _judge(
    situation: Situation, kind: Kind, live: LiveObject, item: FluxKustomization
) -> Iterator[LiveFinding]:
    subject, ready = Subject(kind.name, *live.key), live.condition("Ready")
    if live.suspended and kind.name not in _WITHOUT_SUSPEND:
        source = next(
            (
                each
                for each in situation.environment.graph.sources
                if (each.kind, each.name) == (kind.name, live.name)
            ),
            None,
        )
        yield INFO.wrong(
            subject,
            "it is suspended: the cluster gets no new commits",
            hint=f"see `{_get(situation, live)}`",
            at=source or item,
        )
    elif ready is not None and ready.status == "False":
        said = shown(situation, ready.message)
        yield INFO.wrong(
            subject,
            f"it is not ready: {ready.reason or 'no reason given'}",
            hint="what the cluster applies is as old as its last artifact",
            details=(said,) if said else (),
            at=item,
        )
    elif dig(live.data, "status", "artifact") is None:
        yield INFO.unknown(subject, "it has no artifact yet", hint="try again later", at=item)


def _get(situation: Situation, live: LiveObject) -> str:
    return kubectl(situation.cluster.origin, "get", live.kind.argument, live.name, "-n", live.namespace)


CHECK: Final = Check(INFO, check)
