"""What a change does to secrets, as findings: for the formats of CI systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from fluxsecrets.findings import Confidence, Finding, Location
from fluxsecrets.findings.fingerprint import fingerprint, told_apart
from fluxsecrets.ops.review.kinds import KINDS

from .found import Found
from .text import counted

if TYPE_CHECKING:
    from fluxsecrets.ops.review.model import Review, ReviewItem


def found_by_review(review: Review, version: str) -> Found:
    """The items as findings, the most severe first. The kinds are the rules."""
    findings = told_apart(map(_finding, review.items))
    return Found(
        "review",
        version,
        review.root,
        review.files,
        findings,
        (),
        (),
        (),
        (),
        summary(review),
        lambda: [kind.info for kind in KINDS],
        listed=sorted(findings, key=lambda item: -item.severity),
        remaining=review.unseen,
    )


def summary(review: Review) -> str:
    """What a review comes to, such as `1 critical, 2 high in 5 changed files`."""
    return f"{severities(review.items) or 'no change to secrets'} in {counted(review.files, 'changed file')}"


def severities(items: Iterable[ReviewItem]) -> str:
    """The number of items of each severity, such as `1 critical, 2 high`; without items, nothing."""
    counts = Counter(item.severity for item in items)
    return ", ".join(f"{counts[severity]} {severity}" for severity in sorted(counts, reverse=True))


def said_below(items: Sequence[ReviewItem]) -> frozenset[ReviewItem]:
    """Items whose details and advice the next one, of the same file, has as well: it shows them."""
    return frozenset(one for one, other in pairwise(items) if _shared(one) == _shared(other))


def _shared(item: ReviewItem) -> tuple[object, ...]:
    return (item.environment, item.kind, item.severity, item.path, item.details, item.hint)


def _finding(item: ReviewItem) -> Finding:
    what = f"{item.object}: " if item.object else ""
    return Finding(
        item.kind,
        item.severity,
        Confidence.HIGH,
        Location(item.path, item.line),
        f"{item.environment}: {what}{item.title}",
        item.hint or f"see docs/review.md#{item.kind}",
        fingerprint(item.kind, item.path, item.anchor),
    )
