"""Encrypted files that were changed by hand, or can't be read any more."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.compare.model import FileState, Mac
from fluxsecrets.ops.review.change import Change, Compared
from fluxsecrets.ops.review.model import ReviewItem

from .kind import Kind, describe, item

INFO = describe(
    "file-damaged",
    Severity.HIGH,
    "an encrypted file is damaged, or was changed by hand",
    why="sops refuses the file. Flux does not check the MAC, and applies what is in it.",
    fix="restore the file from git, and change it with `fluxsecrets edit FILE`",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Find files whose MAC does not match after the change, or that can't be read."""
    for each in change.compared:
        after, before = each.diff.after, each.diff.before
        if after is None or after.error is None or _was_so_before(each):
            continue
        if after.mac is Mac.WRONG or each.diff.state is FileState.UNREADABLE:
            was = "" if before is None else " now"
            yield item(
                INFO,
                each.path,
                f"the file can't be trusted{was}: {after.error.message}",
                environments=change.environments_of(each.change),
                line=after.error.line,
            )


def _was_so_before(each: Compared) -> bool:
    before, after = each.diff.before, each.diff.after
    if before is None or before.error is None or after is None or after.error is None:
        return False
    return before.error.message == after.error.message


KIND = Kind(INFO, check)
