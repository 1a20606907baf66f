"""What a Kustomization sets on everything that it applies.

Follows `SetCommonMetadata` of fluxcd/pkg's ssa/utils/meta.go and `SetOwnerLabels` of ssa/manager.go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fluxsecrets.repo.flux import KUSTOMIZE_GROUP, FluxKustomization
from fluxsecrets.repo.manifests import Plain, dig

from .masking import applied_data
from .model import KustomizationVerdict

OWNER: Final = KUSTOMIZE_GROUP
"""What the labels begin with by which Flux knows what it applied."""


def with_common_metadata(verdict: KustomizationVerdict) -> KustomizationVerdict:
    """The verdict with `spec.commonMetadata` in the data of its objects."""
    kustomization = verdict.applied.kustomization
    if kustomization is None or not (kustomization.common_labels or kustomization.common_annotations):
        return verdict
    labels, annotations = dict(kustomization.common_labels), dict(kustomization.common_annotations)
    objects = tuple(
        replace(each, data=_with(_with(applied_data(each), "labels", labels), "annotations", annotations))
        for each in verdict.objects
    )
    return replace(verdict, objects=objects)


def with_owner(data: Plain, kustomization: FluxKustomization | None) -> Plain:
    """An object with the labels by which Flux knows which Kustomization applies it."""
    if kustomization is None:
        return data
    labels = {f"{OWNER}/name": kustomization.name}
    if kustomization.namespace is not None:
        labels[f"{OWNER}/namespace"] = kustomization.namespace
    return _with(data, "labels", labels)


def _with(data: Plain, kind: str, added: dict[str, str]) -> Plain:
    metadata = dig(data, "metadata")
    if not added or not isinstance(metadata, dict):
        return data
    own = metadata.get(kind)
    merged = {**(own if isinstance(own, dict) else {}), **added}
    return {**data, "metadata": {**metadata, kind: merged}}
