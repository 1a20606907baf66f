"""Time lines."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.ops.overview.model import Lifetime, State
from fluxsecrets.report.html.timeline import axis_of

DAYS = st.none() | st.dates()


@given(st.lists(st.tuples(DAYS, DAYS, st.sampled_from(State)), max_size=5), st.dates())
def test_every_bar_is_on_the_axis(days, today):
    lifetimes = [Lifetime("", "", (), start, end, state) for start, end, state in days]
    axis = axis_of(lifetimes, today)
    assert 0 <= axis.now <= 100
    assert len(axis.ticks) <= 4
    assert all(0 <= tick.x <= 100 for tick in axis.ticks)
    for each in lifetimes:
        bar = axis.bar(each)
        assert 0 <= bar.start <= 100
        assert bar.width > 0
        assert bar.end + bar.late <= 100.01


def test_what_is_over_has_been_so_until_today():
    each = Lifetime("", "", (), date(2024, 1, 1), date(2025, 1, 1), State.OVER)
    axis = axis_of([each], date(2026, 1, 1))
    bar = axis.bar(each)
    assert round(bar.end + bar.late, 1) == round(axis.now, 1)
    assert [tick.label for tick in axis.ticks] == ["2024", "2025", "2026"]


def test_a_certificate_without_an_end_leaves_room_for_others():
    today = date(2026, 1, 1)
    others = Lifetime("", "", (), date(2025, 1, 1), date(2027, 1, 1), State.FINE)
    axis = axis_of([others, Lifetime("", "", (), date(2025, 1, 1), date(9999, 12, 31), State.FINE)], today)
    assert axis.bar(others).width > 10
