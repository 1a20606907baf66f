"""Values that were not changed since somebody left."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.document import show_path

INFO = describe(
    "value-known-to-removed",
    Severity.MEDIUM,
    "values are the same as when somebody left",
    why="Whoever could open a file has its values, and its history for good. New keys protect what is "
    "written from then on; the passwords themselves are as they were.",
    fix="change each of them where it is used, then here (`fluxsecrets set FILE KEY --generate "
    "password:32`); note with `fluxsecrets recipients report WHO` what was done elsewhere, or may "
    "stay",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each file with values that a removed key opened, and that nobody changed since."""
    for each in facts.known:
        name = each.key.name or f"{each.key.recipient[:12]}…"
        path, line = each.places[0]
        more = f" and {len(each.places) - 1} more" if len(each.places) > 1 else ""
        what = show_path(path) if each.places[0][0] != ("data",) else "its content"
        message = f"{name}, who was taken out on {each.key.day}, knows {what}{more}"
        yield found(INFO, each.path, line, message, each.key.recipient)


RULE = AuditRule(INFO, Group.AGE, check)
