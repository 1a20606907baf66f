"""Files for a key of Azure Key Vault without the version that encrypted their data key."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, findings, keys_of
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.naming import name_of

INFO = describe(
    "azure-key-unversioned",
    Severity.MEDIUM,
    "a file doesn't say which version of an Azure key encrypted it",
    why="Without a version, Azure Key Vault decrypts with the newest one, and that fails as soon as the "
    "key is rotated. sops writes the version into each file.",
    fix="run `fluxsecrets rotate FILE`, which writes the version, before the key gets a new one",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each key of Azure Key Vault without a version."""
    yield from findings(
        INFO,
        (
            Flaw(secret.path, f"{name_of(one, facts.names)} is without its version")
            for secret, metadata in facts.encrypted()
            for one in keys_of(metadata)
            if one.kind == "azure_kv" and one.id.endswith("/")
        ),
    )


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
