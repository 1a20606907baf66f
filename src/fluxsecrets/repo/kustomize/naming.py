"""Namespaces, prefixes and suffixes, and the references that follow a changed name.

Follows kustomize's api/filters/namespace, Prefix-, Suffix- and HashTransformer, and api/filters/nameref.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fluxsecrets.records import replace
from fluxsecrets.repo.manifests import Plain, Steps, dig, maps, text, with_value
from fluxsecrets.repo.objects import Object, with_data, with_metadata
from fluxsecrets.repo.references import uses

from .identity import effective_namespace, identity, is_cluster_scoped, original

_FIXED_NAMES = frozenset({"CustomResourceDefinition", "Namespace"})
"""Kinds that get no prefix or suffix."""

_BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})


def in_namespace(item: Object, namespace: str) -> Object:
    """The object with a namespace set on it, where it can have one."""
    if item.kind == "Namespace" and item.api_version == "v1":
        return item if item.name == namespace else with_metadata(item, name=namespace)
    if item.kind in _BINDINGS:
        item = _default_subjects(item, namespace)
    if item.kind == "APIService" and item.group == "apiregistration.k8s.io":
        return with_data(item, with_value(item.data, ("spec", "service", "namespace"), namespace))
    here = text(item.data, "metadata", "namespace")
    if is_cluster_scoped(item.api_version, item.kind) or here == namespace:
        return item
    return with_metadata(item, namespace=namespace)


def _default_subjects(item: Object, namespace: str) -> Object:
    data = item.data
    subjects = dig(data, "subjects")
    for index, subject in enumerate(subjects if isinstance(subjects, list) else ()):
        if dig(subject, "name") == "default":
            data = with_value(data, ("subjects", index, "namespace"), namespace)
    return item if data is item.data else with_data(item, data)


def with_affixes(item: Object, prefix: str, suffix: str) -> Object:
    """The object with a prefix and a suffix to its name, each recorded."""
    first = original(item)
    if first.kind in _FIXED_NAMES or (first.kind == "APIService" and item.group == "apiregistration.k8s.io"):
        return item
    for kind, affix in (("prefix", prefix), ("suffix", suffix)):
        if affix:
            name = f"{affix}{item.name}" if kind == "prefix" else f"{item.name}{affix}"
            item = replace(with_metadata(item, name=name), affixes=(*item.affixes, (kind, affix)))
    return item


def with_references(objects: Sequence[Object]) -> tuple[list[Object], list[tuple[Object, Steps, str]]]:
    """References to Secrets and ConfigMaps whose names have changed, in fields that kustomize knows.

    Returns:
        The objects; and those references for which several objects fit, with the place and the name.
    """
    renamed: dict[tuple[str, str], list[Object]] = {}
    for item in objects:
        if item.kind in ("Secret", "ConfigMap") and item.api_version == "v1":
            for name in dict.fromkeys(name for _, name in item.names):
                renamed.setdefault((item.kind, name), []).append(item)
    # A name by which all are still called changes no reference, and most only got a namespace.
    renamed = {key: found for key, found in renamed.items() if any(item.name != key[1] for item in found)}
    accounts = [item for item in objects if item.kind == "ServiceAccount" and item.names]
    objects = [_with_subjects(item, accounts) if item.kind in _BINDINGS else item for item in objects]
    if not renamed:
        return list(objects), []
    changed: list[Object] = []
    unclear: list[tuple[Object, Steps, str]] = []
    for item in objects:
        data = item.data
        for use in uses(item):
            # kustomize knows the fields of Kubernetes' own kinds only
            if use.likely or "." in item.group.removesuffix(".k8s.io"):
                continue
            found = _referred(item, renamed.get((use.kind, use.name), ()))
            if len({each.name for each in found}) > 1:
                unclear.append((item, use.steps, use.name))
            elif found and found[0].name != use.name:
                data = with_value(data, use.steps, found[0].name)
        changed.append(item if data is item.data else with_data(item, data))
    return changed, unclear


def _with_subjects(item: Object, accounts: Sequence[Object]) -> Object:
    """A binding whose subjects have the names and namespaces that the accounts got (`setMapping`)."""
    data = item.data
    subjects = maps(data, "subjects")
    named = {each.get("namespace") for each in subjects if each.get("kind") == "ServiceAccount"}
    if not is_cluster_scoped(item.api_version, item.kind):
        accounts = [
            each for each in accounts if _namespace(each) == _namespace(item) or each.namespace in named
        ]
    for index, subject in enumerate(dig(data, "subjects") or ()):
        name, namespace = dig(subject, "name"), dig(subject, "namespace")
        found = [each for each in accounts if any(name == before for _, before in each.names)]
        if namespace is not None:
            first = [each for each in found if original(each).namespace == namespace]
            found = first or [each for each in found if _namespace(each) == namespace]
        if len({(each.name, each.namespace) for each in found}) == 1:
            data = with_value(data, ("subjects", index, "name"), found[0].name)
            if found[0].namespace:
                data = with_value(data, ("subjects", index, "namespace"), found[0].namespace)
    return item if data is item.data else with_data(item, data)


def _referred(item: Object, candidates: Iterable[Object]) -> list[Object]:
    """Of several candidates those that got the same prefixes and suffixes (`selectReferral`)."""
    namespace = _namespace(item)
    if not is_cluster_scoped(item.api_version, item.kind):
        candidates = [each for each in candidates if _namespace(each) == namespace]
    found = list(candidates)
    if len(found) == 1:
        return found
    found = [each for each in found if _fits(each, item, loose=True)]
    return [each for each in found if _fits(each, item, loose=False)] if len(found) > 1 else found


def _namespace(item: Object) -> str:
    return effective_namespace(item.api_version, item.kind, text(item.data, "metadata", "namespace"))


def _fits(first: Object, second: Object, *, loose: bool) -> bool:
    return all(
        (loose and not (mine and theirs)) or _same_end(mine, theirs)
        for kind in ("prefix", "suffix")
        for mine, theirs in ((_affixes(first, kind), _affixes(second, kind)),)
    )


def _affixes(item: Object, kind: str) -> list[str]:
    return [text for which, text in item.affixes if which == kind]


def _same_end(first: list[str], second: list[str]) -> bool:
    """Whether one list ends as the other one is (`SameEndingSubSlice`)."""
    shorter, longer = sorted((first, second), key=len)
    return first == second if not shorter else longer[-len(shorter) :] == shorter


# The order of what kustomize prints.

ORDER_FIRST = (
    "Namespace", "ResourceQuota", "StorageClass", "CustomResourceDefinition", "ServiceAccount",
    "PodSecurityPolicy", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ConfigMap", "Secret",
    "Endpoints", "Service", "LimitRange", "PriorityClass", "PersistentVolume", "PersistentVolumeClaim",
    "Deployment", "StatefulSet", "CronJob", "PodDisruptionBudget",
)  # fmt: skip
ORDER_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def in_order(
    objects: Iterable[Object], first: Sequence[str] = ORDER_FIRST, last: Sequence[str] = ORDER_LAST
) -> list[Object]:
    """The objects in kustomize's `legacy` order: by kind, then by name."""
    ranks = {kind: index - len(first) for index, kind in enumerate(first)}
    ranks |= {kind: 1 + index for index, kind in enumerate(last)}
    return sorted(objects, key=lambda item: _sort_key(item, ranks))


def _sort_key(item: Object, ranks: Mapping[str, int]) -> tuple[int, str, str]:
    group, _, version = item.api_version.rpartition("/")
    own = identity(item)
    namespace = text(item.data, "metadata", "namespace") or "~X"
    return (
        ranks.get(item.kind, 0),
        f"{group or '~G'}_{version or '~V'}_{item.kind}",
        f"{item.kind}.{version or '[noVer]'}.{group or '[noGrp]'}|{namespace}|{own.name}",
    )


def merged_data(old: Plain, new: Plain) -> Plain:
    """What `behavior: merge` makes of two generated objects: the new one, with the old one's keys too."""
    data = dict(new)
    for field in ("data", "binaryData"):
        if isinstance(old.get(field), dict) or isinstance(new.get(field), dict):
            both = {**(old.get(field) or {}), **(new.get(field) or {})}
            data[field] = dict(sorted(both.items()))
    return data
