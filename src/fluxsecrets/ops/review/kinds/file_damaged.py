"""Encrypted files that were changed by hand, or can't be read any more."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.compare.model import FileState, Mac, ValueDiff
from fluxsecrets.ops.review.change import Change, Compared
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.document import show_path

from .conflict_markers import conflicts
from .kind import Kind, counted, describe, item, only_object

INFO = describe(
    "file-damaged",
    Severity.HIGH,
    "an encrypted file is damaged, or was changed by hand",
    why="sops refuses the file. Flux does not check the MAC, and applies what is in it.",
    fix="restore the file from git, and change it with `fluxsecrets edit FILE`",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Find files whose MAC does not match after the change, or that can't be read.

    Without a key, a MAC is known to be wrong if values differ and it does not: every tool makes a new one.
    """
    marked = conflicts(change)
    for each in change.compared:
        after, before = each.diff.after, each.diff.before
        if values := _past_the_mac(each):
            yield item(
                INFO,
                each.path,
                f"{counted(len(values), 'value')} changed by hand: the MAC is that of the old values",
                "mac",
                environments=change.environments_of(each.change),
                line=values[0].line,
                object_=only_object(values),
                details=[f"{value.state}: {show_path(value.path)}" for value in values],
            )
        if after is None or after.error is None or _was_so_before(each):
            continue
        if after.mac is Mac.WRONG or (each.diff.state is FileState.UNREADABLE and each.path not in marked):
            was = "" if before is None else " now"
            yield item(
                INFO,
                each.path,
                f"the file can't be trusted{was}: {after.error.message}",
                environments=change.environments_of(each.change),
                line=after.error.line,
            )


def _past_the_mac(each: Compared) -> list[ValueDiff]:
    """Values that differ and count in a MAC that was neither made anew nor can be checked."""
    before, after, diff = each.before, each.after, each.diff
    if before is None or after is None or before.metadata is None or after.metadata is None:
        return []
    if diff.after is None or diff.after.mac is not Mac.UNKNOWN or before.metadata.mac != after.metadata.mac:
        return []
    only_encrypted = after.metadata.mac_only_encrypted
    return [
        value
        for value in diff.values
        if not only_encrypted or value.encrypted_before or value.encrypted_after
    ]


def _was_so_before(each: Compared) -> bool:
    before, after = each.diff.before, each.diff.after
    if before is None or before.error is None or after is None or after.error is None:
        return False
    return before.error.message == after.error.message


KIND = Kind(INFO, check)
