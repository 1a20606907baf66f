"""Recipients who can read less than before."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.compare.model import ValueState
from fluxsecrets.ops.review.access import FileAccess, file_access
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.shell import with_words, word
from fluxsecrets.sops.naming import whole_recipient
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key

from .kind import Kind, counted, describe, item

INFO = describe(
    "access-lost",
    Severity.LOW,
    "somebody can read less",
    why="What somebody could read stays known to them: git keeps the old version, and values that do not "
    "change stay valid. A cluster that loses access can't apply the file any more.",
    fix="change the values that this recipient knows: `fluxsecrets recipients report NAME` lists them",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Give an item per recipient and group of environments."""
    found: dict[tuple[RecipientKey, tuple[str, ...]], list[FileAccess]] = {}
    people: dict[RecipientKey, Recipient] = {}
    for each in file_access(change):
        for recipient in each.lost:
            people[recipient_key(recipient)] = recipient
            key = (recipient_key(recipient), change.environments_of(each.file.change))
            found.setdefault(key, []).append(each)
    for (who, environments), files in found.items():
        paths = [each.file.path for each in files]
        changed = sum(map(_all_changed, files))
        kept = f"; the values of {changed} of them change, too" if changed else ""
        yield item(
            INFO,
            paths[0],
            f"{change.names.of(people[who])} can't read {counted(len(paths), 'file')} any more{kept}",
            whole_recipient(people[who]),
            environments=environments,
            details=paths[1:],
            hint=_hint(change, people[who]),
        )


def _hint(change: Change, recipient: Recipient) -> str:
    """The advice, with the name that the state before has for the recipient."""
    known = change.names.known.get(recipient.id)
    return with_words(INFO.fix, {"NAME": word(known or recipient.id)})


def _all_changed(each: FileAccess) -> bool:
    """Whether every value is known to differ."""
    values = [value for value in each.file.diff.values if value.encrypted_before]
    return bool(values) and all(value.state is ValueState.CHANGED for value in values)


KIND = Kind(INFO, check)
