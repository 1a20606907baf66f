"""The time of a report: now, or what a reproducible build sets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from fluxsecrets.errors import UsageError

_NAME = "SOURCE_DATE_EPOCH"


def clock(environ: Mapping[str, str]) -> datetime:
    """Return the time in whole seconds, in UTC; `SOURCE_DATE_EPOCH` is in place of now.

    https://reproducible-builds.org/specs/source-date-epoch/

    Raises:
        UsageError: the variable is not a number of seconds.
    """
    text = environ.get(_NAME, "")
    if not text:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{_NAME} is not a number of seconds since 1970", hint="set it to a number, or unset it"
        ) from None
