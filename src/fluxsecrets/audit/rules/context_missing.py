"""Files without the encryption context that the other files of their environment have."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, by_environment, findings, keys_of, usual
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import context_of

INFO = describe(
    "context-missing",
    Severity.LOW,
    "an AWS key has no encryption context, unlike the environment's other files",
    why="Key policies and CloudTrail tell uses of a key apart by the encryption context. A policy that "
    "requires one denies this file to Flux.",
    fix="write the key with its context under `key_groups` of the rule, then run `fluxsecrets recipients"
    " sync FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each key without a context in an environment where most AWS keys have one."""
    yield from findings(INFO, _flaws(facts))


def _flaws(facts: Facts) -> Iterator[Flaw]:
    for name, files in by_environment(facts).items():
        keys = [(secret.path, one) for secret, data in files for one in keys_of(data) if one.kind == "kms"]
        if not usual(bool(context_of(one)) for _, one in keys):
            continue
        for path, one in keys:
            if not context_of(one):
                shown = name_of(one, facts.names)
                yield Flaw(path, f"{shown} has no encryption context, unlike most AWS keys of {name}")


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
