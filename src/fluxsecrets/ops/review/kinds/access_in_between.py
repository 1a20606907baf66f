"""Recipients of a version that is only in the history of a change."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.between import Passing, passing
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.naming import whole_recipient
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key

from .kind import Kind, describe, item

INFO = describe(
    "access-in-between",
    Severity.HIGH,
    "somebody can read a version in between",
    why="A commit adds a recipient, and a later one removes it. History keeps the version, so the recipient "
    "can read its values for good.",
    fix="merge the change as one commit, or treat the values as known to this recipient",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Give an item per file and recipient."""
    found: dict[tuple[str, RecipientKey], tuple[Passing, Recipient]] = {}
    try:
        for each in passing(change):
            for recipient in each.recipients:
                if recipient_key(recipient) not in change.ruled_before(each.path):
                    found.setdefault((each.path, recipient_key(recipient)), (each, recipient))
    except FluxsecretsError as error:
        change.unseen.append(f"the versions in between were not looked at: {error.message}")
    for (path, _), (each, recipient) in found.items():
        yield item(
            INFO,
            path,
            f"{change.names.of(recipient)} can read only the version of commit {each.commit[:10]}",
            whole_recipient(recipient),
            environments=change.environments(path),
        )


KIND = Kind(INFO, check)
