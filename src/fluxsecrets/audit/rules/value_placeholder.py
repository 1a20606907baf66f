"""Values that are still placeholders."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import is_production
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import SecretValue, secret_values
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.values import is_placeholder

INFO = describe(
    "value-placeholder",
    Severity.MEDIUM,
    "a value is still a placeholder",
    why="The application runs with a password that anyone can guess, or does not run. Once encrypted, it "
    "looks like any other value, and no review finds it.",
    fix="put the value in: `fluxsecrets set FILE KEY --generate password:32`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each value like REPLACE_ME; production raises the severity."""
    for value in secret_values(facts):
        if _stands_in(value):
            production = any(map(is_production, value.secret.environments))
            yield found(
                INFO,
                value.secret.path,
                value.line,
                f"{value.shown} is a placeholder",
                value.shown,
                severity=Severity.HIGH if production else None,
                words={"KEY": value.argument},
            )


def _stands_in(value: SecretValue) -> bool:
    text = value.plain
    if text is None or len(text) > 100 or not is_placeholder(text):
        return False
    # Elsewhere `none` and `disabled` are ordinary values.
    return telling(value.key) is not Telling.NOTHING or any(each in text.lower() for each in _SURE)


_SURE = ("replace", "changeme", "change_me", "change-me", "placeholder", "todo", "fixme", "insert")

RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
