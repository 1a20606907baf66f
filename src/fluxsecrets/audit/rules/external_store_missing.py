"""ExternalSecrets with a missing store."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import is_rooted, is_whole
from fluxsecrets.audit.external import externals, generators, stores
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.external.checks import check_references
from fluxsecrets.findings import Confidence, Finding, Severity

INFO = describe(
    "external-store-missing",
    Severity.MEDIUM,
    "an ExternalSecret names a store that the environment does not have",
    why="The operator has nowhere to read from and does not create the Secret. A store that was created "
    "by hand will be missing in the next cluster.",
    fix="add the SecretStore or ClusterSecretStore to the environment, or fix its name and kind",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each ExternalSecret with a store or generator that its environment lacks, or that it can't use."""
    seen = set()
    for environment in facts.environments:
        if not is_rooted(environment):
            continue  # the folder is part of an environment, and the rest may have it
        whole = is_whole(facts, environment)
        known = [store for _, store in stores(facts, environment)]
        made = [each for _, each in generators(facts, environment)]
        for external in externals(facts, environment):
            namespace = external.item.namespace or ""
            for problem in check_references(external.secret, known, made, namespace):
                key = (external.item.file, problem.line, problem.message)
                if key in seen:
                    continue
                seen.add(key)
                yield found(
                    INFO,
                    external.item.file,
                    problem.line or external.item.line,
                    f"{external.item.kind} {external.item.name}: {problem.message}",
                    external.item.name,
                    problem.message,
                    hint=problem.hint,
                    severity=None if whole else Severity.LOW,
                    confidence=Confidence.MEDIUM if whole else Confidence.LOW,
                )


RULE = AuditRule(INFO, Group.FLUX, check)
