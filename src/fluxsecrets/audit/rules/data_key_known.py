"""Files whose data key a former recipient knows."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import listed
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.keyhistory import FormerReader
from fluxsecrets.shell import word
from fluxsecrets.sops.naming import name_of

INFO = describe(
    "data-key-known",
    Severity.HIGH,
    "a former recipient knows a data key",
    why="An old version in git's history gives its recipients the data key. Neither `sops updatekeys` nor "
    "a removed line replaces that key, so they can still read what is written with it today.",
    fix="give the file a new data key: `fluxsecrets rotate FILE`; then change the values that "
    "`fluxsecrets recipients report WHO` lists",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each encrypted file that shares its data key with a version for other recipients."""
    files: dict[str, list[FormerReader]] = {}
    for each in facts.former:
        if each.now:
            files.setdefault(each.path, []).append(each)
    for path, known in files.items():
        people = [each.recipient for each in known]
        verb = "is no longer a recipient but" if len(people) == 1 else "are no longer recipients but"
        knows = "knows" if len(people) == 1 else "know"
        message = f"{listed(people, facts.names)} {verb} {knows} its data key"
        words = {"WHO": word(name_of(people[0], facts.names))}
        yield found(INFO, path, None, message, *sorted(each.id for each in people), words=words)


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
