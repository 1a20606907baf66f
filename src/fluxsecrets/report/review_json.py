"""What a change does to secrets, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .base import rooted
from .json import page, term
from .page import Page

if TYPE_CHECKING:
    from fluxsecrets.ops.review.model import AccessChange, Review, ReviewItem

    from .wire import flux as wire


def json_page(review: Review) -> Page:
    """Everything that the review has."""
    counts = {str(severity): count for severity, count in review.summary.items()}
    data: wire.Review = {
        "range": review.range,
        "base": review.base,
        "head": review.head,
        "environments": list(review.environments),
        "items": [_item(item) for item in review.items],
        "access": [_access(change) for change in review.access],
        "unseen": list(review.unseen),
        "fail_on": None if review.fail_on is None else term(review.fail_on),
        "fails": review.fails,
        "summary": {
            "files": review.files,
            "items": len(review.items),
            "critical": counts.get("critical", 0),
            "high": counts.get("high", 0),
            "medium": counts.get("medium", 0),
            "low": counts.get("low", 0),
        },
    }
    return page("review", data, rooted(review.root))


def _item(item: ReviewItem) -> wire.ReviewItem:
    return {
        "kind": item.kind,
        "severity": term(item.severity),
        "environments": list(item.environments),
        "path": item.path,
        "line": item.line,
        "object": item.object or None,
        "title": item.title,
        "details": list(item.details),
        "hint": with_file(item.hint, item.path) or None,
        "anchor": item.anchor,
    }


def _access(change: AccessChange) -> wire.ReviewAccess:
    return {
        "environment": change.environment,
        "who": change.who,
        "recipient": change.recipient,
        "gained": list(change.gained),
        "lost": list(change.lost),
    }
