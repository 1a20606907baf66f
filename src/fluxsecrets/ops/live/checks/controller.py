"""Whether the cluster's kustomize-controller is the one that the repository describes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fluxsecrets.cluster.controllers import controllers, live_controller
from fluxsecrets.cluster.kinds import DEPLOYMENT
from fluxsecrets.cluster.model import LiveObject
from fluxsecrets.flux.release import CONTROLLER
from fluxsecrets.flux.versions import GATE, GLOBAL_KEY, GlobalKey
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Subject
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.repo.manifests import dig

INFO: Final = CheckInfo("controller", "kustomize-controller")

_EXACT = re.compile(r"v?(\d+)\.(\d+)(?:\.\d+)?")


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find a controller that is missing, not running, of another version, or with other arguments."""
    listing = situation.cluster.listing(DEPLOYMENT)
    found = [*controllers(listing.objects)]
    if not found and listing.gap is not None:
        yield INFO.gap(listing.gap)
    elif not found:
        # It may run elsewhere, or under another name; what it reports on Kustomizations tells more.
        yield INFO.unknown(None, f"there is no Deployment {CONTROLLER} in the namespaces of Flux")
    for deployment in found:
        yield from _judge(situation, deployment)


def _judge(situation: Situation, deployment: LiveObject) -> Iterator[LiveFinding]:
    subject = Subject("Deployment", *deployment.key)
    if not dig(deployment.data, "status", "readyReplicas"):
        yield INFO.wrong(subject, "none of its pods is ready: nothing is reconciled")
    live, written = live_controller(deployment), situation.controller
    own, expected = _minor(live.version), _minor(written.version)
    if own is not None and expected is not None and own != expected:
        yield INFO.wrong(
            subject,
            f"the cluster has Flux {own}, and the repository says {expected}",
            hint="upgrade the cluster, or set `flux_version` of the environment in .fluxsecrets.yaml",
        )
    elif own is not None and expected is None and live.strict != written.strict:
        yield INFO.wrong(
            subject,
            f"the cluster has Flux {own}, which treats undefined variables unlike the newest one",
            hint=f'set `flux_version: "{own}"` of the environment in .fluxsecrets.yaml',
        )
    if written.gates is not None and live.strict != written.strict and own == expected:
        yield INFO.wrong(subject, f"its feature gate {GATE} is not as in the repository")
    own_key, expected_key = _name(live.global_key), _name(written.global_key)
    if written.gates is not None and own_key != expected_key:
        has = f"{GLOBAL_KEY} is {own_key or 'not set'}"
        yield INFO.wrong(subject, f"its {has}, and {expected_key or 'not set'} in the repository")


def _name(key: GlobalKey | None) -> str:
    return key.name if key is not None else ""


def _minor(version: str | None) -> str | None:
    """`2.9` of a version; None of a range, or if it is not known."""
    match = _EXACT.fullmatch(version or "")
    return f"{match[1]}.{match[2]}" if match is not None else None


CHECK: Final = Check(INFO, check)
