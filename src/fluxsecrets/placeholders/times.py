"""Moments between 2000 and 2037: what any program can read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fluxsecrets.sops.values import Timestamp

from .key import Draw

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_SECONDS = 37 * 365 * 24 * 3600


def moment(draw: Draw) -> datetime:
    """Return a moment in UTC, in whole seconds."""
    return _FIRST + timedelta(seconds=draw.below(_SECONDS))


def timestamp(draw: Draw) -> Timestamp:
    """Return a moment in UTC, as the type of values."""
    return Timestamp(f"{moment(draw):%Y-%m-%dT%H:%M:%SZ}")
