"""Files for AWS keys of several partitions, whose credentials don't work in each other."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, findings, keys_of
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.arns import key_arn, role_arn

INFO = describe(
    "partitions-mixed",
    Severity.MEDIUM,
    "a file has keys of several AWS partitions",
    why="The partitions aws, aws-cn and aws-us-gov are separate clouds: no credential works in two of "
    "them. Encrypting the file takes credentials for each, and Flux can use the keys of one "
    "only.",
    fix="encrypt one file per partition, with a rule of its own",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file with keys, or a key and a role, of several partitions."""
    yield from findings(INFO, _flaws(facts))


def _flaws(facts: Facts) -> Iterator[Flaw]:
    for secret, metadata in facts.encrypted():
        arns = [arn for one in keys_of(metadata) for arn in (key_arn(one), role_arn(one))]
        partitions = sorted({ascii(arn.partition)[1:-1][:24] for arn in arns if arn is not None})
        if len(partitions) > 1:
            yield Flaw(secret.path, f"its keys and roles are of the partitions {' and '.join(partitions)}")


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
