"""The Kustomization that flux-operator makes for a FluxInstance."""

from __future__ import annotations

from .flux import KUSTOMIZE_GROUP, Sync
from .kustomize.patches import PatchError, apply
from .objects import Object, with_data


def made_by_operator(sync: Sync, root: str) -> Object:
    """The Kustomization that syncs a root, as an object."""
    metadata = {"name": sync.name, "namespace": sync.namespace}
    item = Object(
        f"{KUSTOMIZE_GROUP}/v1",
        "Kustomization",
        sync.name,
        sync.namespace,
        sync.file,
        sync.line,
        {
            "apiVersion": f"{KUSTOMIZE_GROUP}/v1",
            "kind": "Kustomization",
            "metadata": metadata,
            "spec": {"path": f"./{root}", "sourceRef": {"kind": sync.kind, "name": sync.name}},
        },
    )
    for patch in sync.patches:
        try:
            data = apply(patch, item.data, item.all_names)
        except PatchError:
            continue
        if data is not None:
            item = with_data(item, data)
    return item
