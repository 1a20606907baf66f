"""How long the agent keeps keys, and how long it lives. Time in which the machine sleeps counts."""

from __future__ import annotations

import time
from typing import NamedTuple

from fluxsecrets.errors import UsageError

IDLE = "15m"
LIFETIME = "8h"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LEAST, _MOST = 1, 7 * 86400


class Limits(NamedTuple):
    """Limits in seconds.

    Attributes:
        idle: without a request; then what is unlocked is forgotten.
        lifetime: of the agent.
    """

    idle: int
    lifetime: int


def parse_duration(text: str, option: str) -> int:
    """Return the seconds of a duration such as `15m`.

    Args:
        text: a number, and one of the letters s, m, h and d.
        option: its name, for the message.

    Raises:
        UsageError: it is not a duration, or out of bounds.
    """
    number, unit = text[:-1], _UNITS.get(text[-1:])
    if unit is None or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise UsageError(f"{option} {text!a} is not a duration", hint="write it as 90s, 15m, 8h or 1d")
    seconds = int(number) * unit
    if not _LEAST <= seconds <= _MOST:
        raise UsageError(f"{option} {text} is out of bounds", hint="choose from 1s to 7d")
    return seconds


def now() -> float:
    """Return the seconds of a clock that goes on while the machine sleeps, and that nobody sets."""
    # macOS counts sleep in CLOCK_MONOTONIC, Linux does not.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
