"""Dates of --since and --until: what they mean, and that nothing else is taken for one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.scan.sources import dates

NOW = datetime(2026, 7, 28, 12, 30, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", "2026-01-30T22:00:00"),
        ("2026-01-31T08:00", "2026-01-31T06:00:00"),
        ("2026-01-31 08:00:30", "2026-01-31T06:00:30"),
        ("2026-01-31T08:00Z", "2026-01-31T08:00:00"),
        ("2026-01-31T08:00-05:00", "2026-01-31T13:00:00"),
        ("yesterday", "2026-07-26T22:00:00"),
        ("2 weeks ago", "2026-07-14T10:30:00"),
        ("2 Weeks", "2026-07-14T10:30:00"),
        ("3d", "2026-07-25T10:30:00"),
        ("36 hours ago", "2026-07-26T22:30:00"),
        ("1 year", "2025-07-28T10:30:00"),
    ],
)
def test_what_is_a_date(text, expected):
    assert dates.since(text, NOW) == datetime.fromisoformat(expected).replace(tzinfo=UTC).timestamp()


def test_a_day_counts_as_a_whole():
    assert dates.until("2026-01-31", NOW) - dates.since("2026-01-31", NOW) == 86_399
    assert dates.until("3d", NOW) == dates.since("3d", NOW)


@pytest.mark.parametrize(
    "text",
    ["", "yesteday", "2026", "2026-02-30", "2026-1-3", "last tuesday", "-1 day", "5", "99999 years", "now-2"],
)
def test_what_is_not(text):
    for read in (dates.since, dates.until):
        with pytest.raises(UsageError, match="is not a date"):
            read(text, NOW)


def test_the_future_is_a_slip():
    with pytest.raises(UsageError, match="in the future"):
        dates.since("2026-07-29", NOW)
    assert dates.until("2027-01-01", NOW)
