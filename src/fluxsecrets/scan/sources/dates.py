"""Dates of `--since` and `--until`: a day, a time, or how long ago; anything else is refused.

git takes every text for a date: `--since=yesteday` is now, and nothing is left to scan.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from fluxsecrets.errors import UsageError

_AGO = r"(?P<count>[0-9]{1,5})\s*(?P<unit>hour|h|day|d|week|w|month|m|year|y)s?(?:\s+ago)?"
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HINT = "write it as 2026-01-31, 2026-01-31T08:00 or '2 weeks ago'"


def since(text: str, now: datetime) -> int:
    """The first second that counts, since 1970; of a day its start.

    Args:
        text: the date; without a time zone it is in the one of `now`.
        now: the present time, with its time zone.

    Raises:
        UsageError: the text is not a date, or it is in the future.
    """
    start, _ = _parse("--since", text, now)
    if start > now:
        raise UsageError(f"--since {text!a} is in the future", hint=_HINT)
    return int(start.timestamp())


def until(text: str, now: datetime) -> int:
    """The last second that counts, since 1970; of a day its end. It takes what `since` takes."""
    end, is_day = _parse("--until", text, now)
    return int(end.timestamp()) + (86_399 if is_day else 0)


def _parse(option: str, text: str, now: datetime) -> tuple[datetime, bool]:
    """A date, and whether it is a whole day."""
    words = text.strip().lower()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if words in ("today", "yesterday"):
            return (today if words == "today" else today - timedelta(days=1)), True
        ago = re.fullmatch(_AGO, words)
        if ago is not None:
            count, unit = int(ago["count"]), ago["unit"][0]
            return now - (
                timedelta(hours=count) if unit == "h" else timedelta(days=count * _DAYS[unit])
            ), False
        if re.match(_DAY, words):
            found = datetime.fromisoformat(text.strip().upper())
            return found if found.tzinfo is not None else found.replace(tzinfo=now.tzinfo), bool(
                re.fullmatch(_DAY, words)
            )
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"{option} {text!a} is not a date", hint=_HINT)
