"""What a change does to secrets, as JSON; docs/schema/results.schema.json describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxsecrets.findings import Severity
from fluxsecrets.shell import with_file

from .json import page
from .page import Page

if TYPE_CHECKING:
    from fluxsecrets.ops.review.model import AccessChange, Review, ReviewItem


def json_page(review: Review) -> Page:
    """Everything that the review has."""
    return page(
        "review",
        {
            "range": review.range,
            "base": review.base,
            "head": review.head,
            "environments": list(review.environments),
            "items": [_item(item) for item in review.items],
            "access": [_access(change) for change in review.access],
            "unseen": list(review.unseen),
            "fail_on": None if review.fail_on is None else str(review.fail_on),
            "fails": review.fails,
            "summary": {
                "files": review.files,
                "items": len(review.items),
                **{str(severity): review.summary.get(severity, 0) for severity in reversed(Severity)},
            },
        },
    )


def _item(item: ReviewItem) -> dict[str, object]:
    return {
        "kind": item.kind,
        "severity": str(item.severity),
        "environments": list(item.environments),
        "path": item.path,
        "line": item.line,
        "object": item.object or None,
        "title": item.title,
        "details": list(item.details),
        "hint": with_file(item.hint, item.path) or None,
        "anchor": item.anchor,
    }


def _access(change: AccessChange) -> dict[str, object]:
    return {
        "environment": change.environment,
        "who": change.who,
        "recipient": change.recipient,
        "gained": list(change.gained),
        "lost": list(change.lost),
    }
