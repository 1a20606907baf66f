"""Files that only one key can open."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import by_key
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import KINDS, RecipientKey

INFO = describe(
    "single-recipient",
    Severity.MEDIUM,
    "only one key can open a file",
    why="If that key is lost, so are the values. If it is a cluster's key, nobody can edit or rotate the "
    "file. If it is a person's key, Flux can't read it.",
    fix="add a second key to the rule, then run `fluxsecrets recipients sync FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each recipient that is the only one of some encrypted files."""
    alone: dict[RecipientKey, list[str]] = {}
    names = {}
    for secret, metadata in facts.encrypted():
        people = by_key(recipient for group in metadata.recipients for recipient in group)
        if len(people) == 1 and all(KINDS[kind].local for kind, _ in people):
            ((key, recipient),) = people.items()
            alone.setdefault(key, []).append(secret.path)
            names[key] = name_of(recipient, facts.names)
    for key, paths in alone.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        message = f"only {names[key]} can read this file{more}"
        yield found(INFO, paths[0], None, message, key[1], related=[Location(path) for path in paths[1:6]])


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
