"""Dates and times, in the form of the original."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.times import moment

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:(?P<between>[Tt ])[0-9]{2}:[0-9]{2}(?P<seconds>:[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.ASCII,
)


def _make(text: str, maker: Maker) -> str | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    found = moment(maker.draw("time", text))
    if match["between"] is None:
        return f"{found:%Y-%m-%d}"
    clock = f"{found:%H:%M}" if match["seconds"] is None else f"{found:%H:%M:%S}"
    return f"{found:%Y-%m-%d}{'T' if match['between'] in 'Tt' else ' '}{clock}{'Z' if match['zone'] else ''}"


SHAPE = Shape("time", _make)
