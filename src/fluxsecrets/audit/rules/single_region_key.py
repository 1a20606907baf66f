"""Files that only AWS keys of one region can open."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, findings, keys_of
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.arns import key_arn

INFO = describe(
    "single-region-key",
    Severity.LOW,
    "only keys of one AWS region can open a file",
    why="While the region is not available, neither Flux nor anyone else can decrypt the file: a cluster"
    " that is built anew elsewhere stays without its secrets. In an environment for production, that"
    " is a medium risk.",
    fix="add a key of another region, a multi-region key or an age key to the rule, then run "
    "`fluxsecrets recipients sync FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file of an environment whose only keys are in one region, without replicas."""
    yield from findings(INFO, _flaws(facts))


def _flaws(facts: Facts) -> Iterator[Flaw]:
    for secret, metadata in facts.encrypted():
        arns = [key_arn(one) for one in keys_of(metadata)]
        regions = {arn.region for arn in arns if arn is not None}
        if None in arns or len(regions) != 1 or not secret.environments:
            continue
        if not any(arn.is_multi_region for arn in arns if arn is not None):
            production = any("prod" in name.lower() for name in secret.environments)
            yield Flaw(
                secret.path,
                f"only keys of the region {ascii(regions.pop())[1:-1][:24]} can open this file",
                Severity.MEDIUM if production else None,
            )


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
