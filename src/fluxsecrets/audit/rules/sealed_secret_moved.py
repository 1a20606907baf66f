"""SealedSecrets that the controller can no longer open, because they were renamed or moved."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.manifests import dig, text
from fluxsecrets.repo.objects import Name, Object
from fluxsecrets.sealed.scopes import Scope, scope_of

INFO = describe(
    "sealed-secret-moved",
    Severity.HIGH,
    "a SealedSecret is applied under another name than it was sealed for",
    why="Each value is bound to the name and namespace for which it was sealed. Under another one, the "
    "controller can't open it, and the Secret is missing or keeps its old values.",
    fix="seal it again for its new place (`fluxsecrets reseal FILE`), or remove the prefix or namespace "
    "that kustomize adds",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each SealedSecret whose effective name or namespace differs from its template or its file."""
    seen = set()
    for environment in facts.environments:
        for _, item in environment.graph.objects:
            if item.kind != "SealedSecret" or (item.file, item.line) in seen:
                continue
            scope = scope_of(item.annotations)
            sealed_for = _sealed_for(item)
            now = (item.namespace, item.name)
            if sealed_for is not None and _moved(scope, sealed_for, now):
                seen.add((item.file, item.line))
                place = f"{environment.name} applies it as {shown(*now)}"
                message = f"it was sealed for {shown(*sealed_for)}, but {place}"
                yield found(INFO, item.file, item.line, message, item.name)


def _sealed_for(item: Object) -> Name | None:
    """Return the name in its template, which `kubeseal` writes, or else the one in its file."""
    template = dig(item.data, "spec", "template", "metadata")
    name, namespace = text(template, "name"), text(template, "namespace")
    if name is not None:
        return (namespace, name)
    return item.all_names[-1] if len(item.all_names) > 1 else None


def _moved(scope: Scope, sealed_for: Name, now: Name) -> bool:
    if scope is Scope.CLUSTER:
        return False
    other_namespace = None not in (sealed_for[0], now[0]) and sealed_for[0] != now[0]
    return other_namespace or (scope is Scope.STRICT and sealed_for[1] != now[1])


RULE = AuditRule(INFO, Group.FLUX, check)
