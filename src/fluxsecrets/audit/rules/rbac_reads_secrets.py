"""Roles that let anyone but Flux read Secrets."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Location, Severity
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.manifests import Plain, dig, maps, text, texts
from fluxsecrets.repo.objects import Object

INFO = describe(
    "rbac-reads-secrets",
    Severity.MEDIUM,
    "someone other than Flux can read Secrets in the cluster",
    why="Secrets in the cluster are in plain text. Anyone who may get, list or watch them has every "
    "value, without being able to decrypt the repository. A wildcard grants the same.",
    fix="list the resources that are needed, name Secrets in resourceNames, and bind the role in a "
    "namespace; or allow it with the reason",
)
_RBAC = "rbac.authorization.k8s.io"
_VERBS = frozenset({"get", "list", "watch", "*"})
_BUILT_IN = {"cluster-admin", "admin", "edit"}
"""Roles that every cluster has, and that may read Secrets."""

_FLUX = frozenset(
    {
        "flux-operator",
        "helm-controller",
        "image-automation-controller",
        "image-reflector-controller",
        "kustomize-controller",
        "notification-controller",
        "source-controller",
        "source-watcher",
    }
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each binding that grants a role which can read Secrets."""
    seen = set()
    for environment in facts.environments:
        readers = _readers(environment)
        for _, item in environment.graph.objects:
            place = (item.file, item.line)
            if item.group != _RBAC or not item.kind.endswith("RoleBinding") or place in seen:
                continue
            role = _role(item, readers)
            people = [each for each in maps(item.data, "subjects") if not _is_flux(each)]
            if role is None or not people:
                continue
            seen.add(place)
            everywhere = item.kind == "ClusterRoleBinding"
            where = "in all namespaces" if everywhere else f"in {item.namespace or 'its namespace'}"
            message = f"{', '.join(map(_shown, people[:3]))} may read Secrets {where}, by {role[0]}"
            yield found(
                INFO,
                *place,
                message,
                item.kind,
                item.name,
                severity=None if everywhere else Severity.LOW,
                confidence=Confidence.MEDIUM,
                related=role[1],
            )


def _readers(environment: Environment) -> dict[tuple[str, str | None, str], Location]:
    """Return the roles in the tree that can read Secrets, with their places."""
    return {
        (item.kind, item.namespace, item.name): Location(item.file, item.line)
        for _, item in environment.graph.objects
        if item.group == _RBAC
        and item.kind in ("Role", "ClusterRole")
        and any(_reads(rule) for rule in maps(item.data, "rules"))
    }


def _reads(rule: Plain) -> bool:
    groups, resources = texts(rule, "apiGroups"), texts(rule, "resources")
    core = "*" in groups or "" in (dig(rule, "apiGroups") or ())
    return (
        core
        and bool({"secrets", "*"} & set(resources))
        and bool(_VERBS & set(texts(rule, "verbs")))
        and not texts(rule, "resourceNames")
    )


def _role(
    binding: Object, readers: dict[tuple[str, str | None, str], Location]
) -> tuple[str, tuple[Location, ...]] | None:
    """Return the role that a binding grants, if it can read Secrets."""
    kind, name = text(binding.data, "roleRef", "kind") or "", text(binding.data, "roleRef", "name") or ""
    if kind == "ClusterRole" and name in _BUILT_IN:
        return f"the built-in ClusterRole {name}", ()
    found_ = readers.get((kind, None if kind == "ClusterRole" else binding.namespace, name))
    return (f"{kind} {name}", (found_,)) if found_ is not None else None


def _is_flux(subject: Plain) -> bool:
    return subject.get("kind") == "ServiceAccount" and subject.get("name") in _FLUX


def _shown(subject: Plain) -> str:
    namespace = f"{subject['namespace']}/" if text(subject, "namespace") else ""
    return f"{text(subject, 'kind') or 'subject'} {namespace}{text(subject, 'name') or '?'}"


RULE = AuditRule(INFO, Group.GIT_ACCESS, check)
