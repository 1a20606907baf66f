"""Removed keys that still open files."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import all_recipients
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.keyhistory import RemovedKey
from fluxsecrets.shell import word
from fluxsecrets.sops.naming import short_recipient
from fluxsecrets.sops.recipients import RecipientKey

INFO = describe(
    "recipient-removed",
    Severity.HIGH,
    "a removed key still opens files",
    why="Removing someone from keys/ or from a rule changes no file. Until the files are encrypted again, "
    "the holder of the key can read what is written today.",
    fix="remove the key from the files, which get new data keys: `fluxsecrets recipients remove WHO`; "
    "then change the values that `fluxsecrets recipients report WHO` lists",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file or rule with a recipient that is no longer in any `keys/NAME.pub` or `.sops.yaml`.

    A recipient with a record in `offboarding/` is left to `removal-unfinished`.
    """
    recorded = {" ".join(each.recipient.id.split()[:2]) for each in facts.leavers}
    removed = {key.recipient: key for key in facts.removed if key.recipient not in recorded}
    places: dict[RecipientKey, list[Location]] = {}
    shown: dict[RecipientKey, tuple[RemovedKey, str]] = {}
    for place, people in all_recipients(facts) if removed else ():
        for key, recipient in people.items():
            gone = removed.get(" ".join(recipient.id.split()[:2]))
            if gone is not None:
                places.setdefault(key, []).append(place)
                shown[key] = (gone, gone.name or short_recipient(recipient))
    for key, found_in in places.items():
        gone, name = shown[key]
        count = len({place.path for place in found_in})
        message = (
            f"{name} was removed from {gone.path} on {gone.day}, but still opens {count} "
            f"file{'' if count == 1 else 's'}"
        )
        yield found(
            INFO,
            found_in[0].path,
            found_in[0].line,
            message,
            gone.recipient,
            related=found_in[1:6],
            words={"WHO": word(gone.name or gone.recipient)},
        )


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
