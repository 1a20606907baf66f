"""Whether the clock is behind what others wrote."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem
from fluxsecrets.repo.git.history import read_commits

INFO = CheckInfo("clock", "clock")

_TOLERANCE = timedelta(minutes=5)
"""Machines whose clocks nobody looks after differ by less."""


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Compare the clock with the newest commit and with the times in files. No server is asked."""
    if facts.repository is None:
        return
    times = [*_of_commit(facts), *_of_files(facts)]
    if not times:
        return
    now = datetime.fromisoformat(facts.session.now())
    latest, what = max(times)
    if latest - now > _TOLERANCE:
        yield problem(
            f"it is {now:%Y-%m-%d %H:%M} UTC by this clock, and {what} is of {latest:%Y-%m-%d %H:%M}",
            hint="set the clock: times in files and the validity of certificates follow it",
        )
    else:
        yield ok("not behind the newest commit and files")


def _of_commit(facts: Facts) -> Iterator[tuple[datetime, str]]:
    if facts.repository is None or not facts.repository.has_head():
        return
    head = facts.repository.run("rev-parse", "--verify", "--end-of-options", "HEAD").decode().strip()
    for commit in read_commits(facts.repository, [head]).values():
        yield datetime.fromtimestamp(commit.time, UTC), f"HEAD ({head[:10]})"


def _of_files(facts: Facts) -> Iterator[tuple[datetime, str]]:
    for file in facts.usage.files:
        try:
            time = datetime.fromisoformat(file.lastmodified)
        except ValueError:  # opening the file says so
            continue
        if time.tzinfo is not None:
            yield time, f"lastmodified of {file.shown}"


CHECK = Check(INFO, check)
