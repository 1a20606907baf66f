"""Passwords that end with a line break."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import FILE, SecretValue, secret_values
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.scan.names import Telling, telling

INFO = describe(
    "value-newline",
    Severity.LOW,
    "a password ends with a line break",
    why="`echo password | base64` encodes the line break too. Some applications strip it, others do not: "
    "the password is then right in one place and wrong in another.",
    fix="put the value in without it: `printf %s … | fluxsecrets set FILE KEY --stdin`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each password or token of one line that ends with a line break."""
    for value in secret_values(facts):
        text = value.plain or ""
        name = _name(value)
        if text.endswith("\n") and text.strip() and "\n" not in text.rstrip("\r\n") and _is_telling(name):
            message = f"{value.shown} ends with a line break"
            yield found(
                INFO, value.secret.path, value.line, message, value.shown, words={"KEY": value.argument}
            )


def _name(value: SecretValue) -> str:
    if value.shown != FILE:
        return value.key
    return value.secret.path.rpartition("/")[2].partition(".")[0]


def _is_telling(name: str) -> bool:
    return telling(name) is not Telling.NOTHING


RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
