"""Findings that pass by something that the same change brings."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem

from .kind import Kind, counted, describe, item

INFO = describe(
    "excuse-added",
    Severity.HIGH,
    "a change brings plain text, and its own excuse",
    why="An allowance, an entry of the baseline or a setting lets findings pass, and comes with what it "
    "excuses: nobody else has agreed to it yet.",
    fix="look at what it excuses, and at its reason",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Take the new excuses that `scan` used."""
    found = change.scanned
    for each in found.excuses if found is not None else ():
        more = f" ({counted(each.findings, 'finding')})" if each.findings > 1 else ""
        who = "a comment" if each.path == each.excused else each.path
        yield item(
            INFO,
            each.path,
            f"plain text with its own excuse: {who} {each.says} {each.rule} in {each.excused}{more}",
            each.says,
            each.rule,
            each.excused,
            environments=change.environments(each.excused),
            line=each.line,
        )


KIND = Kind(INFO, check)
