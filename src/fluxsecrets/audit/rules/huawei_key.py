"""Files for keys of Huawei Cloud, which can be kept and not used."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, findings, keys_of
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.naming import short_recipient

INFO = describe(
    "huawei-key",
    Severity.LOW,
    "a file has a key of Huawei Cloud",
    why="fluxsecrets keeps such a key, and can't decrypt or encrypt with it: `rotate` and removing a "
    "recipient need sops for this file.",
    fix="use sops for the file, or remove the key with `fluxsecrets rotate FILE` and --rm-hckms",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each key of Huawei Cloud."""
    yield from findings(
        INFO,
        (
            Flaw(secret.path, f"{short_recipient(one)} can be kept, and not used")
            for secret, metadata in facts.encrypted()
            for one in keys_of(metadata)
            if one.kind == "hckms"
        ),
    )


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
