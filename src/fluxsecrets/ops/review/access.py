"""Who gains or loses access to files, per environment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.sops.envelope import RecipientGroups
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key

from .change import Change, Compared
from .model import NO_ENVIRONMENT, AccessChange


@dataclass(frozen=True, slots=True)
class FileAccess:
    """Who gains or loses access to one file.

    Attributes:
        gained, lost: recipients; of a new file all gain, and of a file that is gone nobody loses.
    """

    file: Compared
    gained: tuple[Recipient, ...]
    lost: tuple[Recipient, ...]

    @property
    def is_new(self) -> bool:
        """Whether nobody could read it before: it is new, or was plain text, and everybody could."""
        before = self.file.diff.before
        return before is None or not before.encrypted

    def unexpected(self, change: Change) -> tuple[Recipient, ...]:
        """Who gains access and was not expected to.

        A new file is expected to be for those whom the rule before the change names for it. Without such a
        rule, everybody whom the state before knows is expected.
        """
        if not self.is_new:
            return self.gained
        expected = change.ruled_before(self.file.path) or change.known
        return tuple(one for one in self.gained if recipient_key(one) not in expected)


def file_access(change: Change) -> Iterator[FileAccess]:
    """Give each changed file whose readers differ; with several key groups they read it together."""
    for each in change.compared:
        after = each.diff.after
        if after is None or not after.encrypted:
            continue
        before = each.diff.before
        old = _people(before.recipients if before is not None and before.encrypted else ())
        new = _people(after.recipients)
        gained = tuple(one for key, one in new.items() if key not in old)
        lost = tuple(one for key, one in old.items() if key not in new)
        if gained or lost:
            yield FileAccess(each, gained, lost)


def access_changes(change: Change) -> tuple[AccessChange, ...]:
    """Who gains or loses access to files, by environment and name; a new file gives it to nobody expected."""
    gained: defaultdict[tuple[str, RecipientKey], list[str]] = defaultdict(list)
    lost: defaultdict[tuple[str, RecipientKey], list[str]] = defaultdict(list)
    people: dict[RecipientKey, Recipient] = {}
    for each in file_access(change):
        environments = change.environments_of(each.file.change) or (NO_ENVIRONMENT,)
        for recipients, found in ((each.unexpected(change), gained), (each.lost, lost)):
            for recipient in recipients:
                people[recipient_key(recipient)] = recipient
                for environment in environments:
                    found[environment, recipient_key(recipient)].append(each.file.path)
    rows = [
        AccessChange(
            who=change.names.of(people[key]),
            recipient=people[key].id,
            environment=environment,
            gained=tuple(sorted(gained[environment, key])),
            lost=tuple(sorted(lost[environment, key])),
        )
        for environment, key in {*gained, *lost}
    ]
    rows.sort(key=lambda row: (row.environment == NO_ENVIRONMENT, row.environment, row.who, row.recipient))
    return tuple(rows)


def _people(groups: RecipientGroups) -> dict[RecipientKey, Recipient]:
    return {recipient_key(one): one for group in groups for one in group}
