"""Encrypted files that are new."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.marks import is_proposal_name
from fluxsecrets.ops.compare.model import FileState
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.document import show_path

from .kind import Kind, counted, describe, encrypted_values, item, listed, only_object

INFO = describe(
    "secret-added",
    Severity.LOW,
    "an encrypted file is new",
    why="Its readers are decided with this change, and so is the place where Flux applies it.",
    fix="",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Name the readers of each new file, and of each that was plain text before."""
    for each in change.compared:
        after = each.diff.after
        if after is None or each.diff.state not in (FileState.ADDED, FileState.ENCRYPTED):
            continue
        values = encrypted_values(each.diff)
        if not values and not after.encrypted:
            continue
        people = [change.names.of(one) for group in after.recipients for one in group]
        readers = f", for {listed(people)}" if people else ""
        was_plain = each.diff.state is FileState.ENCRYPTED
        what = "encrypted, and was plain text before" if was_plain else "new file"
        title = f"{what}: {counted(len(values), 'value')}{readers}"
        if is_proposal_name(each.path) and not was_plain:
            keys = listed([show_path(value.path[1:] or value.path) for value in values])
            title = f"a proposal for {keys}, which Flux applies to the Secret{readers}"
        yield item(
            INFO,
            each.path,
            title,
            environments=change.environments_of(each.change),
            object_=only_object(values),
            severity=Severity.MEDIUM if was_plain else None,
            hint="git's history still has the plain text: change these values" if was_plain else None,
        )


KIND = Kind(INFO, check)
