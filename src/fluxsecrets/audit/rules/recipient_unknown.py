"""Recipients without a name."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import all_recipients
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.shell import word
from fluxsecrets.sops import recipients
from fluxsecrets.sops.naming import short_recipient
from fluxsecrets.sops.recipients import KINDS, RecipientKey, recipient_key

INFO = describe(
    "recipient-unknown",
    Severity.MEDIUM,
    "a recipient has no name in keys/",
    why="When someone leaves, or a key is lost, nobody knows which files are affected. And a key that was "
    "slipped in looks like all the others.",
    fix="write it to a file in keys/ that is called after its owner and ends in .pub, or remove it: "
    "`fluxsecrets recipients remove KEY`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each recipient of files or rules without a `keys/NAME.pub`, once, where it is first seen.

    A repository without any such file does not keep names this way, and has no findings.
    """
    if not facts.public_keys:
        return
    known = {
        recipient_key(kind(text))
        for key in facts.public_keys
        for text in key.recipients
        for kind in (recipients.age, recipients.pgp)
        if not (kind is recipients.age and " " in text and text.startswith("age1"))
    }
    gone = {key.recipient for key in facts.removed}
    seen: dict[RecipientKey, list[Location]] = {}
    shown = {}
    for place, people in all_recipients(facts):
        for key, recipient in people.items():
            if " ".join(recipient.id.split()[:2]) in gone:
                continue  # a removed key: recipient-removed reports it by name
            seen.setdefault(key, []).append(place)
            shown[key] = short_recipient(recipient)
    for key, places in seen.items():
        if KINDS[key[0]].local and key not in known:
            count = len({place.path for place in places})
            message = f"{shown[key]} has no name in keys/, and is in {count} file{'s' * (count != 1)}"
            yield found(
                INFO,
                places[0].path,
                places[0].line,
                message,
                key[1],
                related=places[1:6],
                words={"KEY": word(key[1])},
            )


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
