"""Files that only aliases of AWS keys can open."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, findings, keys_of
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.arns import key_arn
from fluxsecrets.sops.naming import name_of

INFO = describe(
    "key-alias-only",
    Severity.MEDIUM,
    "only aliases of AWS keys can open a file",
    why="An alias can be given to another key at any time. AWS KMS then refuses to decrypt what was "
    "encrypted for the former key, and nothing in the file names that key.",
    fix="put the ARN of the key itself into the rule, then run `fluxsecrets recipients sync FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file whose keys are all named through aliases."""
    yield from findings(INFO, _flaws(facts))


def _flaws(facts: Facts) -> Iterator[Flaw]:
    for secret, metadata in facts.encrypted():
        keys = keys_of(metadata)
        if all((arn := key_arn(one)) is not None and arn.is_alias for one in keys):
            shown = ", ".join(dict.fromkeys(name_of(one, facts.names) for one in keys))
            yield Flaw(secret.path, f"only aliases can open this file: {shown}")


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
