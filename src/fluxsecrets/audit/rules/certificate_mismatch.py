"""Certificates next to the wrong key."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.certificates import certificates, private_key
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import SecretValue, secret_values
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "certificate-mismatch",
    Severity.HIGH,
    "a certificate does not match the key next to it",
    why="A server with such a pair does not start, or answers nobody. Usually only one of the two was "
    "renewed.",
    fix="put in the key that belongs to the certificate: `fluxsecrets edit FILE`",
)
_PAIRS = ((".crt", ".key"), (".pem", "-key.pem"), (".cert", ".key"), (".pem", ".key"))


def check(facts: Facts) -> Iterator[Finding]:
    """Find each pair in a Secret, such as `tls.crt` and `tls.key`, whose keys differ."""
    together: dict[tuple[str, str], dict[str, SecretValue]] = {}
    for value in secret_values(facts):
        together.setdefault((value.secret.path, value.owner), {})[value.key] = value
    for values in together.values():
        for name, value in values.items():
            other = _key_of(name, values)
            chain = certificates(value.data) if other is not None else ()
            key = private_key(other.data) if other is not None and chain else None
            if other is not None and key is not None and key.public != chain[0].public:
                message = f"{value.shown} does not match the key in {other.shown}"
                yield found(INFO, value.secret.path, value.line, message, value.shown)


def _key_of(name: str, values: dict[str, SecretValue]) -> SecretValue | None:
    for certificate, key in _PAIRS:
        if name.endswith(certificate):
            found_ = values.get(name.removesuffix(certificate) + key)
            if found_ is not None:
                return found_
    return None


RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
