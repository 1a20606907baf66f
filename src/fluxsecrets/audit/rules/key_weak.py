"""Private keys and certificates that are too weak."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.certificates import certificates, private_key
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import secret_values
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "key-weak",
    Severity.MEDIUM,
    "a private key or certificate in a Secret is weak",
    why="RSA keys below 2048 bits, DSA keys, and SHA-1 signatures can be broken for a few thousand euros.",
    fix="create a new one: ed25519, ECDSA P-256, or RSA with 3072 bits",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each value with such a key or certificate."""
    for value in secret_values(facts):
        key = private_key(value.data)
        weak = [key.weakness] if key is not None else []
        weak += [each.weakness for each in certificates(value.data)]
        reason = next((each for each in weak if each), None)
        if reason is not None:
            yield found(INFO, value.secret.path, value.line, f"{value.shown} is weak: {reason}", value.shown)


RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
