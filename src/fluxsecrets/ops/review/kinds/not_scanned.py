"""What a change brings, and `scan` could not judge."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.conflict import MARKERS_LEFT

from .conflict_markers import conflicts
from .kind import Kind, describe, item

INFO = describe(
    "not-scanned",
    Severity.HIGH,
    "a change could not be scanned for plain text",
    why="A file that is too large or damaged can hide a secret, and settings that can't be read hide any.",
    fix="fix what stops the scan, or look at it yourself: `fluxsecrets scan FILE`",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Take the errors of `scan`: what was not judged is not clean. Of a conflict, scan judges both sides."""
    marked = conflicts(change)
    for error in change.not_scanned:
        path = error.path or "."
        if path in marked and error.message == MARKERS_LEFT:
            continue
        yield item(
            INFO,
            path,
            f"not scanned for plain text: {error.message}",
            error.message,
            environments=change.environments(path),
            line=error.line,
            hint=error.hint,
        )


KIND = Kind(INFO, check)
