"""Time lines: where days are on an axis, in hundredths of its width, so that a drawing fits any screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from fluxsecrets.ops.overview.model import Lifetime, State

_MOST_TICKS = 4
_THIN = 0.6
_LONGEST = 3_650
"""Days before and after today that an axis shows at most: a certificate may end in the year 9999."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The start of a year on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """From where on something is valid, for how long, when that ended, and for how long it has been over."""

    start: float
    width: float
    end: float
    late: float


@dataclass(frozen=True, slots=True)
class Axis:
    """A span of days, which `today` is in."""

    first: date
    last: date
    today: date

    def x(self, day: date) -> float:
        """Return where a day is, from 0 to 100."""
        days = (self.last - self.first).days or 1
        return round(min(100.0, max(0.0, 100 * (day - self.first).days / days)), 2)

    @property
    def now(self) -> float:
        """Where today is."""
        return self.x(self.today)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """The starts of some years in the span."""
        years = range(self.first.year + 1, self.last.year + 1)
        step = max(1, -(-len(years) // _MOST_TICKS))
        return tuple(Tick(self.x(date(year, 1, 1)), str(year)) for year in years[::step])

    def bar(self, each: Lifetime) -> Bar:
        """Return where the bar of a lifetime is; an unknown side reaches to the border."""
        start = self.x(each.start) if each.start is not None else 0.0
        end = self.x(each.end) if each.end is not None else 100.0
        late = self.now - end if each.state is State.OVER else 0.0
        return Bar(start, round(max(_THIN, end - start), 2), end, round(max(0.0, late), 2))


def axis_of(lifetimes: Iterable[Lifetime], today: date) -> Axis:
    """Return an axis on which lifetimes fit; one that is longer than that would leave no room for others."""
    days = [day for each in lifetimes for day in (each.start, each.end) if day is not None]
    first = max(min([today, *days]), _moved(today, -_LONGEST))
    last = min(max([today, *days]), _moved(today, _LONGEST))
    return Axis(_moved(first, -30), _moved(last, 30), today)


def _moved(day: date, days: int) -> date:
    """A day some days away, within what a date can be."""
    return date.fromordinal(min(date.max.toordinal(), max(1, day.toordinal() + days)))
