"""Kustomizations that use another's Secret without waiting for it."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import Used, all_provided, all_used, meant, shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.flux import KUSTOMIZE_GROUP

INFO = describe(
    "dependency-missing",
    Severity.MEDIUM,
    "a Kustomization uses another's Secret and does not wait for it",
    why="In a new cluster, Flux applies both at once. With variables from a Secret that does not exist "
    "yet, the build fails, or the variables are empty until Flux tries again.",
    fix="add `dependsOn: [{name: OTHER}]` to the Kustomization's spec",
)
_VIA = ("substituteFrom",)
"""References that are needed for applying; Pods wait for their Secrets by themselves."""

Key = tuple[str | None, str]


def check(facts: Facts) -> Iterator[Finding]:
    """Find each `substituteFrom` whose Secret comes from a Kustomization that this one does not wait for."""
    seen = set()
    for environment in facts.environments:
        provided = all_provided(facts, environment)
        waits = _waits(environment)
        for used in all_used(facts, environment):
            if used.use.via not in _VIA or used.use.optional or used.item.group != KUSTOMIZE_GROUP:
                continue  # a ResourceSet has references too, for the Kustomizations that it makes
            sources = meant(used.use, provided)
            owner = (used.item.namespace, used.item.name)
            if not sources or any(_is_there(waits, environment, owner, each.applied.key) for each in sources):
                continue
            place = (used.item.file, used.use.line)
            if place not in seen:
                seen.add(place)
                yield _finding(used, sources[0].applied.key, sources[0].item.file)


def _finding(used: Used, source: Key | None, file: str) -> Finding:
    item, use = used.item, used.use
    other = source[1] if source else "another Kustomization"
    what = f"{use.kind} {shown(use.namespace, use.name)}"
    message = f"{item.name} takes variables from {what}, which {other} applies, and does not wait for it"
    own = source is None or source[0] in (None, item.namespace)
    words = {"OTHER": other if own or source is None else f"{other}, namespace: {source[0]}"}
    return found(
        INFO,
        item.file,
        use.line,
        message,
        item.name,
        use.name,
        related=[Location(file)],
        words=words if source else None,
    )


def _waits(environment: Environment) -> dict[Key, set[Key]]:
    return {
        item.key: {(namespace or item.namespace, name) for namespace, name in item.depends_on}
        for item in environment.graph.kustomizations
    }


def _is_there(waits: dict[Key, set[Key]], environment: Environment, owner: Key, source: Key | None) -> bool:
    """Whether a source is applied before its user: by a dependency or by a parent."""
    if source is None:
        return True
    parents = {each.key: each.parent for each in environment.graph.applied if each.key is not None}
    waiting: list[Key] = [owner]
    seen: set[Key] = set()
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        waiting.extend(waits.get(key, ()))
        parent = parents.get(key)
        if parent is not None:
            waiting.append(parent)
    return source in seen - {owner}


RULE = AuditRule(INFO, Group.FLUX, check)
