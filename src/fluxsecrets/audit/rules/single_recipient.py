"""Files that one key alone opens."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import by_key, listed
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "single-recipient",
    Severity.MEDIUM,
    "one key alone opens a file",
    why="If that key is lost, so are the values. If it is a cluster's, nobody can edit or rotate the "
    "file; if it is a person's, Flux cannot read it.",
    fix="add a second key to the rule, then `fluxsecrets recipients sync FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each encrypted file with one recipient."""
    for secret, metadata in facts.encrypted():
        people = by_key(recipient for group in metadata.recipients for recipient in group)
        if len(people) == 1:
            yield found(INFO, secret.path, None, f"only {listed(people.values(), facts.names)} can read it")


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
