"""ExternalSecrets whose store is not there."""

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
    why="The operator has nowhere to read from, so the Secret is not made. A store that was made by hand is "
    "missing in the next cluster.",
    fix="add the SecretStore or ClusterSecretStore to the environment, or mend its name and kind",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Each ExternalSecret whose store or generator is not in its environment, or not for its namespace."""
    seen = set()
    for environment in facts.environments:
        if not is_rooted(environment):
            continue  # a part of something: the store may be in the rest
        whole = is_whole(environment)
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
