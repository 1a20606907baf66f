"""Whether the cluster's controller has made the Secrets of SealedSecrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fluxsecrets.cluster.kinds import SEALED_SECRET
from fluxsecrets.cluster.model import LiveObject, LiveSecret
from fluxsecrets.ops.live.expected import Maker
from fluxsecrets.ops.live.made import edited, judge_made, missing, subject_of
from fluxsecrets.ops.live.messages import shown
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Subject
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.repo.manifests import dig, pairs, text
from fluxsecrets.repo.objects import Object

INFO: Final = CheckInfo("sealed-secrets", "SealedSecrets")

_NO_KEY: Final = "no key could decrypt secret"
_GROUP: Final = "sealedsecrets.bitnami.com"


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find SealedSecrets that are missing, not unsealed, or not as their Secrets are."""
    for maker in situation.expected.makers:
        if maker.item.kind == SEALED_SECRET.name:
            yield from _judge(situation, maker)


def _judge(situation: Situation, maker: Maker) -> Iterator[LiveFinding]:
    live = situation.cluster.get(SEALED_SECRET, *maker.key)
    if not isinstance(live, LiveObject):
        yield missing(INFO, situation, maker, live)
        return
    item, subject = maker.item, subject_of(maker)
    yield from edited(INFO, situation, maker, live, ("encryptedData",))
    synced = live.condition("Synced")
    if synced is not None and synced.status == "False":
        yield _not_synced(situation, item, subject, synced.message)
        return
    if synced is None or not live.observed:
        message = "its controller has not looked at its newest version"
        hint = "see that the controller of Sealed Secrets runs"
        yield INFO.unknown(subject, message, hint=hint, at=item)
        return
    template = dig(item.data, "spec", "template")
    name = text(template, "metadata", "name") or item.name
    promised = frozenset({*pairs(item.data, "spec", "encryptedData"), *pairs(template, "data")})
    yield from judge_made(
        INFO,
        situation,
        maker,
        name,
        promised,
        complete=not dig(item.data, "spec", "data"),
        adopts=_is_ownerless(situation, maker, name),
    )


def _not_synced(situation: Situation, item: Object, subject: Subject, message: str) -> LiveFinding:
    if _NO_KEY in message:
        said, hint = (
            "the controller has no key that opens it",
            "restore the controller's old keys, or seal the values again for its newest certificate",
        )
    else:
        said, hint = "its controller could not make the Secret", ""
    cause = shown(situation, message) if message and _NO_KEY not in message else ""
    return INFO.wrong(subject, said, hint=hint, details=(cause,) if cause else (), at=item)


def _is_ownerless(situation: Situation, maker: Maker, name: str) -> bool:
    """Whether the controller does not make the Secret its own, by an annotation of one of them."""
    template = pairs(maker.item.data, "spec", "template", "metadata", "annotations")
    secret = situation.cluster.secrets.get(maker.key[0], name)
    found = secret.item.annotations if isinstance(secret, LiveSecret) else {}
    return "true" in (template.get(f"{_GROUP}/skip-set-owner-references"), found.get(f"{_GROUP}/patch"))


CHECK: Final = Check(INFO, check)
