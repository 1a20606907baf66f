"""Secrets that Flux once applied, and that the repository does not have any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fluxsecrets.cluster.kinds import KUSTOMIZATION
from fluxsecrets.cluster.model import Gap, LiveSecret, Name
from fluxsecrets.flux.common import OWNER
from fluxsecrets.flux.masking import applied_data
from fluxsecrets.ops.live.causes import cause_of
from fluxsecrets.ops.live.commands import kubectl
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Subject
from fluxsecrets.ops.live.situation import Situation

INFO: Final = CheckInfo("leftover-secrets", "Secrets that are only in the cluster")

_HASH: Final = re.compile(r"(.+)-[0-9a-z]{10}")
"""The name of a Secret that kustomize generates, and its hash."""

_KEPT: Final = "disabled"


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find Secrets with the labels of a Kustomization that does not apply them."""
    expected = situation.expected
    names = {each.key for each in expected.secrets if not each.is_prefix}
    prefixes = {each.key for each in expected.secrets if each.is_prefix}
    gap = situation.cluster.secrets.owned_gap
    if gap is not None:
        yield INFO.gap(gap)
    for live in situation.cluster.secrets:
        owner = live.item.owner
        if owner is None or live.item.key in names or _may_be(live.item.key, prefixes):
            continue
        finding = _left(situation, live, owner, generated=_base(live.item.key))
        if finding is not None:
            yield finding


def _left(situation: Situation, live: LiveSecret, key: Name, *, generated: Name | None) -> LiveFinding | None:
    owner = situation.expected.owners.get(key)
    if owner is None:
        return _of_stranger(situation, live, key)
    subject, shown = Subject("Secret", *live.item.key), "/".join(key)
    if not owner.complete or (situation.expected.unplaced and generated is None):
        return INFO.unknown(subject, f"the objects of its Kustomization {shown} are not all known here")
    message = _message(situation, generated, shown)
    if _is_used(situation, live.item.key):
        return INFO.wrong(subject, f"{message}, and an object of the repository names it")
    if _is_kept(live):
        return INFO.intended(subject, f"{message}; Flux keeps it, by `{OWNER}/prune: disabled`")
    cause = cause_of(situation, key)
    if cause is not None:
        return INFO.found(cause.standing, subject, f"{message}: {cause.text}", cause.hint)
    if owner.prunes is False:
        message = f"{message}; Flux does not delete it, by `prune: false`"
    return INFO.wrong(subject, message, hint=_delete(situation, live))


def _of_stranger(situation: Situation, live: LiveSecret, key: Name) -> LiveFinding | None:
    """Judge a Secret of a Kustomization that the repository does not have: it may be another repository's."""
    subject, found = Subject("Secret", *live.item.key), situation.cluster.get(KUSTOMIZATION, *key)
    if isinstance(found, Gap):
        return INFO.gap(found, subject)
    if found is not None:
        return None
    message = f"its Kustomization {'/'.join(key)} is gone, and nothing updates it any more"
    return INFO.wrong(subject, message, hint=_delete(situation, live))


def _message(situation: Situation, generated: Name | None, shown: str) -> str:
    newer = situation.facts.once("generated Secrets", lambda: _generated(situation)).get(generated)
    if newer is not None:
        return f"it is an older version of {newer}"
    return f"Kustomization {shown} does not have it any more"


def _generated(situation: Situation) -> dict[Name | None, str]:
    """The names of the Secrets that may have older versions, with and without their hash."""
    found: dict[Name | None, str] = {}
    for each in situation.expected.secrets:
        for key in (each.key, _base(each.key)):
            if key is not None:
                found.setdefault(key, each.name)
    return found


def _delete(situation: Situation, live: LiveSecret) -> str:
    command = kubectl(situation.cluster.origin, "delete", "secret", live.item.name, "-n", live.item.namespace)
    return f"if nothing uses it: `{command}`"


def _is_kept(live: LiveSecret) -> bool:
    found = (each.get(f"{OWNER}/prune", "") for each in (live.item.labels, live.item.annotations))
    return any(value.lower() == _KEPT for value in found)


def _base(key: Name) -> Name | None:
    match = _HASH.fullmatch(key[1])
    return (key[0], match[1]) if match is not None else None


def _may_be(key: Name, prefixes: set[Name]) -> bool:
    """Whether it may be a generated Secret whose hash is not known here."""
    return _base(key) in prefixes


def _is_used(situation: Situation, key: Name) -> bool:
    """Whether an object that Flux applies names the Secret."""
    names = situation.facts.once("texts in objects", lambda: frozenset(_texts_of(situation)))
    return key[1] in names


def _texts_of(situation: Situation) -> Iterator[str]:
    """Every text in the objects that Flux applies, apart from Secrets."""
    for verdict in situation.verdicts:
        for each in verdict.objects:
            if each.item.kind != "Secret":
                yield from _texts(applied_data(each))


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)


CHECK: Final = Check(INFO, check)
