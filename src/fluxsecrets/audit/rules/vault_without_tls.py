"""Files for a key of a Vault server that is asked without TLS."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, findings, keys_of
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.naming import short_recipient

INFO = describe(
    "vault-without-tls",
    Severity.HIGH,
    "a Vault server is asked without TLS",
    why="Flux and people send their Vault token to the address that is in the file. Without TLS, anyone "
    "on the way can read the token, and with it all that it opens.",
    fix="put the server's https:// address into the rule, then run `fluxsecrets recipients sync --all`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each key of a Vault server whose address starts with http://."""
    yield from findings(
        INFO,
        (
            Flaw(secret.path, f"the address of {short_recipient(one)} is without TLS")
            for secret, metadata in facts.encrypted()
            for one in keys_of(metadata)
            if one.kind == "hc_vault" and one.id.lower().startswith("http://")
        ),
    )


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
