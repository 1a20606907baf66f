"""The order in which Flux applies the objects of a Kustomization.

Follows `SortableUnstructureds` and `ReconcileOrder` of fluxcd/pkg's ssa/sort.go.
"""

from __future__ import annotations

from typing import Final

from fluxsecrets.repo.objects import Object

_FIRST: Final = (
    "CustomResourceDefinition", "Namespace", "ClusterRole", "ClusterClass", "RuntimeClass", "PriorityClass",
    "StorageClass", "VolumeSnapshotClass", "IngressClass", "GatewayClass", "ClusterRoleBinding",
    "ResourceQuota", "ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Secret", "Service", "LimitRange",
    "Deployment", "StatefulSet", "CronJob", "PodDisruptionBudget",
)  # fmt: skip
_LAST: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_RANKS: Final = {
    **{kind: at - len(_FIRST) for at, kind in enumerate(_FIRST)},
    **{kind: at + 1 for at, kind in enumerate(_LAST)},
}


def place_in_order(item: Object) -> tuple[int, str, str, str, str]:
    """The key to sort objects by: what others need comes first."""
    return (_RANKS.get(item.kind, 0), item.group, item.kind, item.namespace or "", item.name)
