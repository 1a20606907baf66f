"""Encrypted files that are moved to another place."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change, Compared
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .kind import Kind, describe, item, listed

INFO = describe(
    "secret-moved",
    Severity.MEDIUM,
    "an encrypted file is moved",
    why="It keeps its values and its readers, and both may be wrong for the new place: in another "
    "environment, people of the former one can read it, and the cluster may be unable to.",
    fix="run `fluxsecrets recipients sync FILE`, and set new values if the readers so far may not know them",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare the readers of each moved file with those whom the rules before want at its place."""
    for each in change.compared:
        old, after = each.change.old_path, each.diff.after
        if old in (None, each.path) or after is None or not after.encrypted:
            continue
        differs = _difference(change, each)
        left = set(change.environments(old)) - set(change.environments(each.path))
        wrong = bool(differs or left)
        yield item(
            INFO,
            each.path,
            f"moved from {old}{differs}",
            environments=change.environments_of(each.change),
            severity=None if wrong else Severity.LOW,
            hint=None if wrong else "",
        )


def _difference(change: Change, each: Compared) -> str:
    """Who can read the file and should not at its new place, and the reverse; as the end of a sentence."""
    rule = change.before.facts.rule_for(each.path)
    if rule is None:
        return ", where no rule applied before this change"
    wanted: dict[object, Recipient] = {recipient_key(one): one for one in rule.recipients}
    after = each.diff.after
    groups = after.recipients if after is not None else ()
    readers: dict[object, Recipient] = {recipient_key(one): one for group in groups for one in group}
    more = [change.names.of(one) for key, one in readers.items() if key not in wanted]
    fewer = [change.names.of(one) for key, one in wanted.items() if key not in readers]
    found = [f"{listed(more)} can read it, whom the rule there does not name"] if more else []
    if fewer:
        found.append(f"{listed(fewer)} can't read it, whom the rule there names")
    return f": {'; '.join(found)}" if found else ""


KIND = Kind(INFO, check)
