"""Passwords that can be guessed."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import SecretValue, secret_values
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.values import is_placeholder, is_reference

INFO = describe(
    "value-weak",
    Severity.MEDIUM,
    "a password is weak",
    why="Attackers try lists of common passwords first. They find short ones from a stolen hash in "
    "minutes, by trying them all.",
    fix="create a new one: `fluxsecrets set FILE KEY --generate password:32`",
)
SHORTEST = 8
_SHORTEST_NUMBER = 12

_COMMON = frozenset(
    """
    00000000 0000 1111 11111111 111111 12345 123456 1234567 12345678 123456789 1234567890 123123 abc123
    adm1n admin admin1 admin12 admin123 admin1234 administrator adminadmin argocd changeit changeme
    couchbase default demo docker elastic grafana guest guestguest harbor12345 iloveyou jenkins keycloak
    kibana letmein login mariadb master minio minio123 minioadmin mongodb monkey mysql nagios nextcloud
    openldap oracle p@ssw0rd p@ssword pass pass123 pass1234 passw0rd password password1 password12
    password123 password1234 postgres postgresql prom-operator prometheus qwerty qwerty123 qwertyuiop
    rabbitmq rancher redis root root123 rootroot secret secret123 secretpassword service sonar superuser
    supersecret test test123 test1234 testtest toor user username vagrant vault welcome welcome1
    welcome123 zabbix
    """.split()  # noqa: SIM905 - a list of a hundred quoted words is harder to read
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each password or token that is common, short, or the name next to it."""
    names = _names(facts)
    for value in secret_values(facts):
        reason = _weakness(value, names.get((value.secret.path, value.owner), frozenset()))
        if reason is not None:
            message, severity = reason
            yield found(
                INFO,
                value.secret.path,
                value.line,
                f"{value.shown} {message}",
                value.shown,
                severity=severity,
                words={"KEY": value.argument},
            )


def _names(facts: Facts) -> dict[tuple[str, str], frozenset[str]]:
    """Return the user names of each Secret, by file and Secret."""
    found_: dict[tuple[str, str], set[str]] = {}
    for value in secret_values(facts):
        if value.key.lower().endswith(("user", "username", "login", "database", "dbname")):
            found_.setdefault((value.secret.path, value.owner), set()).add(
                (value.plain or "").strip().lower()
            )
    return {key: frozenset(names) for key, names in found_.items()}


def _weakness(value: SecretValue, names: frozenset[str]) -> tuple[str, Severity | None] | None:
    said = telling(value.key)
    text = (value.plain or "").strip()
    if said is Telling.NOTHING or not text or is_placeholder(text) or is_reference(text):
        return None
    lower = text.lower()
    if lower in _COMMON:
        return "is a common password", Severity.HIGH
    if said is Telling.SURELY and lower in names:
        return "is the user name", Severity.HIGH
    reason = _guessed(text) if said is Telling.SURELY else None
    return (reason, None) if reason is not None else None


def _guessed(text: str) -> str | None:
    """Return why trying all passwords would find it."""
    if len(text) < SHORTEST:
        return f"has fewer than {SHORTEST} characters"
    if text.isdigit() and len(text) < _SHORTEST_NUMBER:
        return f"is a number with fewer than {_SHORTEST_NUMBER} digits"
    return "consists of one or two characters" if len(set(text)) <= 2 else None


RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
