"""Dates and times: a moment between 2000 and 2037, in the form of the original."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from fluxsecrets.placeholders.key import Draw
from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.sops.values import Timestamp

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:(?P<between>[Tt ])[0-9]{2}:[0-9]{2}(?P<seconds>:[0-9]{2}(?:\.[0-9]{1,9})?)?(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?",  # noqa: E501
    re.ASCII,
)
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_SECONDS = 37 * 365 * 24 * 3600


def timestamp(draw: Draw) -> Timestamp:
    """Return a time in UTC."""
    return Timestamp(_moment(draw).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _make(text: str, maker: Maker) -> str | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    moment = _moment(maker.draw("time", text))
    if match["between"] is None:
        return f"{moment:%Y-%m-%d}"
    clock = f"{moment:%H:%M}" if match["seconds"] is None else f"{moment:%H:%M:%S}"
    return f"{moment:%Y-%m-%d}{'T' if match['between'] in 'Tt' else ' '}{clock}{'Z' if match['zone'] else ''}"


def _moment(draw: Draw) -> datetime:
    return _FIRST + timedelta(seconds=draw.below(_SECONDS))


SHAPE = Shape("time", _make)
