"""Secrets without a creation rule."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.model import Secret
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.marks import LEFTOVER

INFO = describe(
    "secret-uncovered",
    Severity.HIGH,
    "no creation rule matches a secret",
    why="Nobody has decided who may read it. It can't be encrypted, or only for the recipients on the "
    "command line, and a rotation has nothing to compare its recipients with.",
    fix="run `fluxsecrets init`, or add a rule with a path_regex for it; check: `fluxsecrets explain FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each secret without a rule, or with a rule without recipients."""
    for secret in facts.secrets:
        if secret.config is not None and secret.config.config is None:
            continue  # creation-rule-invalid reports it
        if secret.file.reason == LEFTOVER:
            continue  # plain-secret-file reports it
        problem = _problem(secret)
        if problem is not None:
            by = secret.file.read_by
            related = [Location(by, secret.file.read_line)] if by is not None else ()
            yield found(INFO, secret.path, secret.file.line, problem, related=related)


def _problem(secret: Secret) -> str | None:
    if secret.config is None:
        return "there is no .sops.yaml in its folder or above it"
    if secret.rule is None:
        return f"no rule of {secret.config.path} matches it"
    if not secret.rule.recipients:
        return f"the rule in {secret.config.path}:{secret.rule.line} names no recipients"
    return None


RULE = AuditRule(INFO, Group.PROTECTION, check, for_applied=True)
