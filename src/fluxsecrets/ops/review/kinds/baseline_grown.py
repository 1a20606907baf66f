"""Findings that the baseline knows after a change, and did not before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Severity
from fluxsecrets.findings.baseline import BaselineEntry, parse_baseline
from fluxsecrets.marks import BASELINE_NAME
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem

from .kind import Kind, counted, describe, item

INFO = describe(
    "baseline-grown",
    Severity.MEDIUM,
    "the baseline knows more findings",
    why="A finding that the baseline knows is not reported any more.",
    fix="check that each of them was there before this change",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare the entries of both states."""
    data = change.after.read(BASELINE_NAME)
    if data is None or data == change.before.read(BASELINE_NAME):
        return
    try:
        entries = parse_baseline(data)
    except FluxsecretsError as error:
        yield item(INFO, BASELINE_NAME, f"the baseline can't be read: {error.message}", "invalid")
        return
    known = {each.fingerprint: each.accepted for each in _before(change)}
    more = [each for each in entries if each.accepted > known.get(each.fingerprint, 0)]
    if more:
        counts = Counter((each.path, each.rule) for each in more)
        yield item(
            INFO,
            BASELINE_NAME,
            f"{counted(len(more), 'more finding')} known to the baseline",
            environments=sorted({name for each in more for name in change.environments(each.path)}),
            details=[
                f"{path}: {rule}" + (f" ({count})" if count > 1 else "")
                for (path, rule), count in counts.items()
            ],
        )


def _before(change: Change) -> tuple[BaselineEntry, ...]:
    data = change.before.read(BASELINE_NAME)
    try:
        return parse_baseline(data) if data is not None else ()
    except FluxsecretsError:
        return ()


KIND = Kind(INFO, check)
