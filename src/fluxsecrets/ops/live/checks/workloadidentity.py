"""Whether the ServiceAccounts exist with which Kustomizations decrypt, and may be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fluxsecrets.cluster.controllers import controllers, live_controller
from fluxsecrets.cluster.kinds import DEPLOYMENT, SERVICE_ACCOUNT
from fluxsecrets.cluster.model import Gap, LiveObject
from fluxsecrets.flux.versions import WORKLOAD_IDENTITY_GATE as GATE
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Subject
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.repo.flux import FluxKustomization

INFO: Final = CheckInfo("workload-identity", "workload identity")

_ANNOTATIONS = (
    "eks.amazonaws.com/role-arn",
    "azure.workload.identity/client-id",
    "iam.gke.io/gcp-service-account",
)
"""By which clouds know the role of a ServiceAccount."""


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find ServiceAccounts that are missing, that have no role, or that the controller may not use."""
    seen: set[tuple[str, str]] = set()
    for _, item, key in situation.kustomizations:
        account = item.decryption.service_account if item.decryption is not None else None
        if account is None or (key[0], account) in seen:
            continue
        seen.add((key[0], account))
        yield from _judge(situation, item, (key[0], account))
    if seen:
        yield from _judge_gate(situation)


def _judge(situation: Situation, item: FluxKustomization, name: tuple[str, str]) -> Iterator[LiveFinding]:
    subject, live = Subject("ServiceAccount", *name), situation.cluster.get(SERVICE_ACCOUNT, *name)
    if isinstance(live, Gap):
        yield INFO.gap(live, subject)
    elif live is None:
        yield INFO.wrong(
            subject,
            f"the cluster does not have it, and Kustomization {item.name} decrypts with its role",
            at=item,
        )
    elif not any(each in live.annotations for each in _ANNOTATIONS):
        yield INFO.unknown(
            subject,
            "it has no annotation of a cloud's role, so that its role is not known here",
            hint=f"a cloud looks for one of {', '.join(_ANNOTATIONS)}",
            at=item,
        )


def _judge_gate(situation: Situation) -> Iterator[LiveFinding]:
    for deployment in controllers(situation.cluster.listing(DEPLOYMENT).objects):
        gates = live_controller(deployment).gates
        if gates is not None and GATE not in gates:
            yield INFO.wrong(
                _subject(deployment),
                f"its feature gate {GATE} is off, and Kustomizations name a ServiceAccount to decrypt with",
                hint=f"add `--feature-gates={GATE}=true` to its arguments",
            )


def _subject(deployment: LiveObject) -> Subject:
    return Subject("Deployment", *deployment.key)


CHECK: Final = Check(INFO, check)
