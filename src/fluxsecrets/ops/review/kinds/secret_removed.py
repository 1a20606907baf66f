"""Encrypted files and SealedSecrets that are deleted."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.marks import is_proposal_name
from fluxsecrets.ops.compare.model import FileState
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem

from .kind import Kind, counted, describe, encrypted_values, item, only_object

INFO = describe(
    "secret-removed",
    Severity.MEDIUM,
    "an encrypted file is deleted",
    why="Flux deletes the Secret from the cluster where it prunes. What uses it fails when it restarts. The "
    "values stay valid until somebody changes them where they are used.",
    fix="check that nothing uses the Secret any more, and revoke its values",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Find the files that only the state before has."""
    for each in change.compared:
        before = each.diff.before
        values = encrypted_values(each.diff)
        if each.diff.state is FileState.REMOVED and before is not None and (before.encrypted or values):
            proposal = is_proposal_name(each.path)
            what = "the proposal is gone" if proposal else "the file is deleted"
            yield item(
                INFO,
                each.path,
                f"{what}, with {counted(len(values), 'value')}",
                environments=change.environments_of(each.change),
                object_=only_object(values),
                severity=Severity.LOW if proposal else None,
                hint="check that the Secret's file has the value now" if proposal else None,
            )


KIND = Kind(INFO, check)
