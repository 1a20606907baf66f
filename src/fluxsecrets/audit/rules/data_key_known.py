"""Files whose data key somebody knows who is no recipient any more."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import listed
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.datakeys import FormerReader

INFO = describe(
    "data-key-known",
    Severity.HIGH,
    "somebody who is not a recipient any more knows a data key",
    why="An old version in git's history gives its readers the data key. `sops updatekeys`, or a line taken "
    "out of the file, does not replace that key, so they read whatever is written with it today.",
    fix="give the file a new data key: `fluxsecrets rotate FILE`; then change the values that "
    "`fluxsecrets recipients report WHO` lists",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each encrypted file with the data key of a version that was for somebody else, too."""
    files: dict[str, list[FormerReader]] = {}
    for each in facts.former:
        if each.now:
            files.setdefault(each.path, []).append(each)
    for path, known in files.items():
        people = [each.recipient for each in known]
        verb = "is not a recipient any more and" if len(people) == 1 else "are not recipients any more and"
        knows = "knows" if len(people) == 1 else "know"
        message = f"{listed(people, facts.names)} {verb} {knows} its data key, which was not replaced"
        yield found(INFO, path, None, message, *sorted(each.id for each in people))


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
