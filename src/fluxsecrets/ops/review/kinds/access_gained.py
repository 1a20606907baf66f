"""Recipients who can read more than before."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.access import FileAccess, file_access
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.naming import whole_recipient
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key

from .kind import Kind, counted, describe, item

INFO = describe(
    "access-gained",
    Severity.HIGH,
    "somebody can read more",
    why="Anyone who can read a value once knows it for good. Everybody with write access to the repository "
    "can add a recipient to a file.",
    fix="ask the owner of the environment whether this is wanted, and compare the key with its holder",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Give an item per recipient and group of environments.

    A recipient that the rule before the change names for the file is expected. In a new file, one that
    the state before knows is less of a surprise, and one whom its rule names gains nothing.
    """
    found: dict[tuple[RecipientKey, tuple[str, ...]], list[FileAccess]] = {}
    people: dict[RecipientKey, Recipient] = {}
    for each in file_access(change):
        for recipient in each.unexpected(change):
            key = recipient_key(recipient)
            people[key] = recipient
            found.setdefault((key, change.environments_of(each.file.change)), []).append(each)
    for (key, environments), files in found.items():
        recipient = people[key]
        name = change.names.of(recipient)
        paths = [each.file.path for each in files]
        yield item(
            INFO,
            paths[0],
            f"{name}{_newness(change, recipient)} can read {counted(len(paths), _noun(files))}",
            whole_recipient(recipient),
            environments=environments,
            details=paths[1:],
            severity=_severity(change, recipient, files),
        )


def _newness(change: Change, recipient: Recipient) -> str:
    return "" if recipient_key(recipient) in change.known else ", a new recipient,"


def _noun(files: list[FileAccess]) -> str:
    return "new file" if all(each.is_new for each in files) else "more file"


def _severity(change: Change, recipient: Recipient, files: list[FileAccess]) -> Severity:
    key = recipient_key(recipient)
    if all(key in change.ruled_before(each.file.path) for each in files):
        return Severity.LOW
    new = all(each.is_new for each in files)
    return Severity.MEDIUM if new and key in change.known else Severity.HIGH


KIND = Kind(INFO, check)
