"""`labels`, `commonLabels` and `commonAnnotations`: where kustomize puts them.

Follows commonlabels.go, metadatalabels.go and commonannotations.go in kustomize's
api/internal/konfig/builtinpluginconsts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fluxsecrets.repo.objects import Object, with_data

from .kustomizationfile import Labels

_METADATA = ("metadata",)
_TEMPLATE = ("spec", "template", "metadata")
_JOB = ("spec", "jobTemplate", "metadata")
_JOB_TEMPLATE = ("spec", "jobTemplate", "spec", "template", "metadata")

_TEMPLATES: Mapping[str, tuple[str | None, tuple[tuple[str, ...], ...]]] = {
    "ReplicationController": (None, (_TEMPLATE,)),
    "Deployment": (None, (_TEMPLATE,)),
    "ReplicaSet": (None, (_TEMPLATE,)),
    "DaemonSet": (None, (_TEMPLATE,)),
    "StatefulSet": ("apps", (_TEMPLATE,)),
    "Job": ("batch", (_TEMPLATE,)),
    "CronJob": ("batch", (_JOB, _JOB_TEMPLATE)),
}
"""By kind, its group, and the metadata of what it makes."""

_SELECTOR = ("spec", "selector", "matchLabels")
_MADE_SELECTORS: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    "Service": ("", ("spec", "selector")),
    "ReplicationController": ("", ("spec", "selector")),
    "Deployment": (None, _SELECTOR),
    "ReplicaSet": (None, _SELECTOR),
    "DaemonSet": (None, _SELECTOR),
    "StatefulSet": ("apps", _SELECTOR),
}
_AFFINITY = ("spec", "template", "spec", "affinity")
_PODS = (
    *(
        (*_AFFINITY, which, *rest, "labelSelector", "matchLabels")
        for which in ("podAffinity", "podAntiAffinity")
        for rest in (
            ("preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm"),
            ("requiredDuringSchedulingIgnoredDuringExecution",),
        )
    ),
    ("spec", "template", "spec", "topologySpreadConstraints", "labelSelector", "matchLabels"),
)
_KNOWN_SELECTORS: Mapping[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "Deployment": ("apps", _PODS),
    "StatefulSet": ("apps", _PODS),
    "Job": ("batch", (_SELECTOR,)),
    "CronJob": ("batch", (("spec", "jobTemplate", *_SELECTOR),)),
    "PodDisruptionBudget": ("policy", (_SELECTOR,)),
    "NetworkPolicy": (
        "networking.k8s.io",
        (
            ("spec", "podSelector", "matchLabels"),
            ("spec", "ingress", "from", "podSelector", "matchLabels"),
            ("spec", "egress", "to", "podSelector", "matchLabels"),
        ),
    ),
}


def with_labels(item: Object, labels: Labels) -> Object:
    """The object with labels, in its templates and selectors too where the entry says so."""
    made: list[tuple[str, ...]] = [(*_METADATA, "labels")]
    known: list[tuple[str, ...]] = []
    if labels.templates or labels.selectors:
        made += [(*path, "labels") for path in _templates(item)]
        if item.kind == "StatefulSet" and item.group == "apps":
            made.append(("spec", "volumeClaimTemplates[]", "metadata", "labels"))
    if labels.selectors:
        group, selector = _MADE_SELECTORS.get(item.kind, ("-", ()))
        made += [selector] if group in (None, item.group) else []
        place, selectors = _KNOWN_SELECTORS.get(item.kind, ("-", ()))
        known += selectors if place == item.group else ()
    return _put(item, made, known, labels.pairs)


def with_annotations(item: Object, annotations: Sequence[tuple[str, str]]) -> Object:
    """The object with annotations, in its templates too."""
    made = [(*path, "annotations") for path in (_METADATA, *_templates(item))]
    return _put(item, made, (), annotations)


def _templates(item: Object) -> tuple[tuple[str, ...], ...]:
    group, paths = _TEMPLATES.get(item.kind, ("-", ()))
    return paths if group in (None, item.group) else ()


def _put(
    item: Object,
    made: Iterable[tuple[str, ...]],
    known: Iterable[tuple[str, ...]],
    values: Sequence[tuple[str, str]],
) -> Object:
    """The object with values in maps: some are made where they are missing, others are not."""
    data = item.data
    for path in made:
        data = _with(data, path, values, make=True)
    for path in known:
        data = _with(data, path, values, make=False)
    return item if data is item.data else with_data(item, data)


def _with(data: Any, path: tuple[str, ...], values: Sequence[tuple[str, str]], *, make: bool) -> Any:
    if isinstance(data, list):
        return [_with(each, path, values, make=make) for each in data]
    if data is None and make:
        data = {}
    if not isinstance(data, dict):
        return data
    if not path:
        return {**data, **dict(values)}
    key, rest = path[0].removesuffix("[]"), path[1:]
    if key not in data and (not make or path[0].endswith("[]")):
        return data
    return {**data, key: _with(data.get(key), rest, values, make=make)}
