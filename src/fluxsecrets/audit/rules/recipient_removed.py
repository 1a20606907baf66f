"""People who were taken out, and still open files."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import all_recipients
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.keyhistory import RemovedKey
from fluxsecrets.sops.envelope import short_recipient
from fluxsecrets.sops.recipients import RecipientKey

INFO = describe(
    "recipient-removed",
    Severity.HIGH,
    "a key that was taken out still opens files",
    why="Taking somebody out of keys/ or a rule changes no file. Until these are encrypted anew, "
    "whoever has the key reads what is written today.",
    fix="take it out of the files, which get new data keys: `fluxsecrets recipients remove WHO`; then "
    "change the values that `fluxsecrets recipients report WHO` lists",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each file or rule with a recipient that is in no `keys/NAME.pub` and no `.sops.yaml` any more."""
    removed = {key.recipient: key for key in facts.removed}
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
            f"{name} was taken out of {gone.path} on {gone.day}, and still opens {count} "
            f"file{'' if count == 1 else 's'}"
        )
        yield found(INFO, found_in[0].path, found_in[0].line, message, gone.recipient, related=found_in[1:6])


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
