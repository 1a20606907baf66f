"""One value in several environments."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import is_production
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import SecretValue, secret_values
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.values import is_placeholder, looks_random

INFO = describe(
    "value-shared",
    Severity.MEDIUM,
    "two environments have the same value",
    why="Staging has more users and less supervision, and anyone who gets in there can log in to "
    "production. And you can't change one value without the other.",
    fix="create a new one for each: `fluxsecrets set FILE KEY --generate password:32`",
)
_SHORTEST = 8


def check(facts: Facts) -> Iterator[Finding]:
    """Find each secret-looking value in files of several environments that do not share these files."""
    same: dict[bytes, list[SecretValue]] = {}
    for value in secret_values(facts.whole):
        if value.secret.environments and _is_secret(value):
            same.setdefault(value.data.strip(), []).append(value)
    for values in same.values():
        environments = {value.secret.environments for value in values}
        apart = [one for one in environments if any(not set(one) & set(other) for other in environments)]
        if not apart:
            continue
        values.sort(key=_first)
        main = values[0]
        others = [
            each for each in values if not set(each.secret.environments) & set(main.secret.environments)
        ]
        if others:
            where = ", ".join(dict.fromkeys(name for each in others for name in each.secret.environments))
            yield found(
                INFO,
                main.secret.path,
                main.line,
                f"{main.shown} is the same in {where}",
                main.shown,
                severity=Severity.HIGH if any(map(is_production, main.secret.environments)) else None,
                related=[Location(each.secret.path, each.line) for each in others[:5]],
                words={"KEY": main.argument},
            )


def _first(value: SecretValue) -> tuple[bool, str, int]:
    """Sort production first: those are the values to change."""
    return (not any(map(is_production, value.secret.environments)), value.secret.path, value.line)


def _is_secret(value: SecretValue) -> bool:
    text = (value.plain or "").strip()
    if len(text) < _SHORTEST or is_placeholder(text) or "-----BEGIN CERTIFICATE" in text[:200]:
        return False
    said = telling(value.key)
    return said is Telling.SURELY or (said is Telling.MAYBE and " " not in text) or looks_random(text)


RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
