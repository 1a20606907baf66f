"""`dependsOn` that names a missing Kustomization, or leads back to itself."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import is_rooted, is_whole
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Severity

INFO = describe(
    "dependency-broken",
    Severity.HIGH,
    "a dependsOn can never be satisfied",
    why="Flux waits for the other Kustomization for ever. It applies neither this one nor those that "
    "depend on it.",
    fix="fix the name or the namespace, or break the circle",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each dependency on a Kustomization that the environment does not have, and each circle."""
    seen: set[tuple[object, ...]] = set()
    for environment in facts.environments:
        if not is_rooted(environment):
            continue  # the folder is part of an environment, and the rest may have it
        whole = is_whole(facts, environment)
        known = {item.key for item in environment.graph.kustomizations}
        for item in environment.graph.kustomizations:
            for namespace, name in item.depends_on:
                key = (namespace or item.namespace, name)
                place = (item.file, item.line, key)
                if key not in known and not _may_be(known, key) and place not in seen:
                    seen.add(place)
                    message = f"{item.name} depends on {name}, which {environment.name} does not have"
                    yield found(
                        INFO,
                        item.file,
                        item.line,
                        message,
                        item.name,
                        name,
                        severity=None if whole else Severity.LOW,
                        confidence=Confidence.HIGH if whole else Confidence.LOW,
                    )
        for cycle in environment.graph.cycles:
            if (cycle.file, cycle.line) not in seen:
                seen.add((cycle.file, cycle.line))
                word = " depends on " if cycle.kind == "dependsOn" else " includes "
                yield found(INFO, cycle.file, cycle.line, word.join(cycle.members), *cycle.members)


def _may_be(known: set[tuple[str | None, str]], key: tuple[str | None, str]) -> bool:
    """Whether a Kustomization has the name, and one of the two namespaces is unknown."""
    return any(name == key[1] and None in (namespace, key[0]) for namespace, name in known)


RULE = AuditRule(INFO, Group.FLUX, check)
