"""ExternalSecrets and stores that the operator rejects."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.external import externals, stores
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.external.checks import Problem, ProblemKind, check_external, check_places, check_store
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "external-secret-invalid",
    Severity.MEDIUM,
    "the External Secrets operator rejects an object",
    why="The current operator serves external-secrets.io/v1 only, and its webhook rejects fields that do "
    "not fit together. The Secret is then not created, or keeps its old values.",
    fix="fix it as the message says",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each ExternalSecret or store with an old version, or with fields that do not fit together."""
    seen = set()
    for environment in facts.environments:
        known = [store for _, store in stores(facts, environment)]
        for external in externals(facts, environment):
            for problem in (*check_external(external.secret), *check_places(external.secret, known)):
                key = (external.item.file, problem.line, problem.message)
                if key not in seen:
                    seen.add(key)
                    yield _finding(external.item.file, external.item.line, external.item.name, problem)
        for item, store in stores(facts, environment):
            for problem in check_store(store):
                key = (item.file, problem.line, problem.message)
                if key not in seen:
                    seen.add(key)
                    yield _finding(item.file, item.line, item.name, problem)


def _finding(path: str, line: int, name: str, problem: Problem) -> Finding:
    severity = Severity.HIGH if problem.kind is ProblemKind.INVALID else None
    return found(
        INFO,
        path,
        problem.line or line,
        f"{name}: {problem.message}",
        name,
        problem.kind,
        problem.message,
        hint=problem.hint,
        severity=severity,
    )


RULE = AuditRule(INFO, Group.FLUX, check)
