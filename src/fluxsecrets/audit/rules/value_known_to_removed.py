"""Values that have not changed since someone left."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import key_argument
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.shell import word
from fluxsecrets.sops.document import show_path

INFO = describe(
    "value-known-to-removed",
    Severity.MEDIUM,
    "values have not changed since someone left",
    why="Anyone who could open a file has its values and its history for good. New keys protect only what "
    "is written from then on; the passwords themselves have not changed.",
    fix="change each value where it is used, then here (`fluxsecrets set FILE KEY --generate "
    "password:32`); record with `fluxsecrets recipients report WHO` what was done elsewhere or may "
    "stay",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file with values that a removed key could open and that have not changed since."""
    for each in facts.known:
        name = each.key.name or f"{each.key.recipient[:12]}…"
        path, line = each.places[0]
        more = f" and {len(each.places) - 1} more" if len(each.places) > 1 else ""
        what = show_path(path) if each.places[0][0] != ("data",) else "its content"
        message = f"{name}, who was removed on {each.key.day}, knows {what}{more}"
        words = {"KEY": key_argument(path), "WHO": word(each.key.name or each.key.recipient)}
        yield found(INFO, each.path, line, message, each.key.recipient, words=words)


RULE = AuditRule(INFO, Group.AGE, check)
