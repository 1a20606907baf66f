"""Whether External Secrets has made, and refreshes, the Secrets of ExternalSecrets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from fluxsecrets.cluster.kinds import EXTERNAL_SECRET
from fluxsecrets.cluster.model import LiveObject
from fluxsecrets.ops.live.commands import kubectl
from fluxsecrets.ops.live.expected import Maker
from fluxsecrets.ops.live.made import edited, judge_made, missing, subject_of
from fluxsecrets.ops.live.messages import shown
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.repo.manifests import dig, maps, pairs, text
from fluxsecrets.repo.objects import Object

INFO: Final = CheckInfo("external-secrets", "ExternalSecrets")

_MISSED: Final = 3
"""Refresh intervals after which a Secret is out of date."""

_LEAST: Final = timedelta(minutes=5)
_HOUR: Final = timedelta(hours=1)
"""The interval of an ExternalSecret that names none."""

_FOR_EVER: Final = 1e9
"""Seconds of an interval that nobody waits for."""

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)")


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find ExternalSecrets that are missing, not synced, or out of date."""
    now = _now(situation)
    for maker in situation.expected.makers:
        if maker.item.kind == EXTERNAL_SECRET.name:
            yield from _judge(situation, maker, now)
    for kind, count in Counter(item.kind for item in situation.expected.not_modelled).items():
        yield INFO.unknown(None, f"{count} {kind}{'' if count == 1 else 's'} not looked at")


def _judge(situation: Situation, maker: Maker, now: datetime) -> Iterator[LiveFinding]:
    live = situation.cluster.get(EXTERNAL_SECRET, *maker.key)
    if not isinstance(live, LiveObject):
        yield missing(INFO, situation, maker, live)
        return
    item, subject = maker.item, subject_of(maker)
    yield from edited(INFO, situation, maker, live, ("secretStoreRef", "target", "data", "dataFrom"))
    ready = live.condition("Ready")
    if ready is None:
        hint = "see that External Secrets runs"
        yield INFO.unknown(subject, "its controller has not looked at it", hint=hint, at=item)
        return
    if ready.status != "True":
        said = shown(situation, ready.message)
        yield INFO.wrong(
            subject,
            f"it is not synced: {ready.reason or 'no reason given'}",
            hint=_look(situation, item),
            details=(said,) if said else (),
            at=item,
        )
        return
    late = _late(live, now)
    if late:
        yield INFO.wrong(subject, late, hint=_look(situation, item), at=item)
    yield from _judge_secret(situation, maker)


def _judge_secret(situation: Situation, maker: Maker) -> Iterator[LiveFinding]:
    item = maker.item
    target = dig(item.data, "spec", "target")
    policy = text(target, "creationPolicy") or "Owner"
    if policy == "None" or dig(target, "manifest"):
        return
    template = dig(target, "template")
    templates = pairs(template, "data")
    replaces = bool(templates) and text(template, "mergePolicy") != "Merge"
    remote = {name for entry in maps(item.data, "spec", "data") if (name := text(entry, "secretKey"))}
    more = dig(template, "templateFrom") or (dig(item.data, "spec", "dataFrom") and not replaces)
    yield from judge_made(
        INFO,
        situation,
        maker,
        text(target, "name") or item.name,
        frozenset({*templates, *(() if replaces else remote)}),
        complete=policy in ("Owner", "Orphan") and not more,
        adopts=policy != "Owner",
    )


def _look(situation: Situation, item: Object) -> str:
    namespace = item.namespace or ""
    command = kubectl(situation.cluster.origin, "describe", "externalsecret", item.name, "-n", namespace)
    return f"`{command}` shows its events"


def _late(live: LiveObject, now: datetime) -> str:
    """Why what the ExternalSecret made is out of date, or ""."""
    interval = _interval(live)
    refreshed = _time(text(live.data, "status", "refreshTime"))
    if interval is None or refreshed is None or now - refreshed <= max(interval * _MISSED, _LEAST):
        return ""
    written = text(live.data, "spec", "refreshInterval") or "1h"
    return f"it was refreshed last at {refreshed:%Y-%m-%dT%H:%M:%SZ}, and should be every {written}"


def _interval(live: LiveObject) -> timedelta | None:
    """How often it is refreshed; None for never."""
    if text(live.data, "spec", "refreshPolicy") not in (None, "Periodic"):
        return None
    written = text(live.data, "spec", "refreshInterval")
    if written is None:
        return _HOUR
    parts = _PART.findall(written)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return timedelta(seconds=seconds) if 0 < seconds < _FOR_EVER else None


def _now(situation: Situation) -> datetime:
    """The time; of a dump, that of its newest refresh."""
    if not situation.cluster.origin.folder:
        return datetime.now(UTC)
    listed = situation.cluster.listing(EXTERNAL_SECRET).objects
    times = (_time(text(each.data, "status", "refreshTime")) for each in listed)
    return max((each for each in times if each is not None), default=datetime.now(UTC))


def _time(written: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(written) if written is not None else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo is not None else found.replace(tzinfo=UTC)


CHECK: Final = Check(INFO, check)
