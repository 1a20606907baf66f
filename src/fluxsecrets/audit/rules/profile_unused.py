"""AWS profiles in files that Flux reads, where no profile exists."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, findings, is_applied, keys_of
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import attribute_of

INFO = describe(
    "profile-unused",
    Severity.LOW,
    "Flux ignores the AWS profile in a file",
    why="A profile is a section of a person's own AWS configuration. kustomize-controller has none: it "
    "uses the key with its own credentials, and everyone else needs a profile of that name.",
    fix="remove `aws_profile` from the rule, set AWS_PROFILE instead, then run `fluxsecrets recipients "
    "sync FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each AWS key with a profile in a file of an environment."""
    yield from findings(
        INFO,
        (
            Flaw(secret.path, f"{name_of(one, facts.names)} has the AWS profile {str(profile)[:40]!a}")
            for secret, metadata in facts.encrypted()
            for one in keys_of(metadata)
            if one.kind == "kms"
            and (profile := attribute_of(one, "aws_profile"))
            and is_applied(facts, secret)
        ),
    )


RULE = AuditRule(INFO, Group.FLUX, check)
