"""Objects that need a namespace, and have none."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.manifests import dig
from fluxsecrets.repo.objects import CLUSTER_SCOPED

from .problem import Problem, Subject

# Kubernetes' own, with its kinds that are in no namespace; the same of wide-spread custom kinds.
_GROUPS = {
    "": {"ComponentStatus"},
    "apps": set(),
    "autoscaling": set(),
    "batch": set(),
    "coordination.k8s.io": set(),
    "discovery.k8s.io": set(),
    "events.k8s.io": set(),
    "networking.k8s.io": {"ServiceCIDR", "IPAddress"},
    "policy": {"PodSecurityPolicy"},
    "rbac.authorization.k8s.io": set(),
    "storage.k8s.io": {"VolumeAttachment", "VolumeAttributesClass"},
    "bitnami.com": set(),
    "cert-manager.io": set(),
    "external-secrets.io": {"ClusterPushSecret"},
    "helm.toolkit.fluxcd.io": set(),
    "image.toolkit.fluxcd.io": set(),
    "kustomize.toolkit.fluxcd.io": set(),
    "monitoring.coreos.com": set(),
    "notification.toolkit.fluxcd.io": set(),
    "source.toolkit.fluxcd.io": set(),
}


def check_namespace(subject: Subject) -> Iterator[Problem]:
    """A namespaced object without a namespace, which the API server refuses."""
    version, kind = subject.kind
    group = version.rpartition("/")[0]
    without = _GROUPS.get(group)
    if without is None or kind in CLUSTER_SCOPED or kind in without:
        return
    namespace = dig(subject.data, "metadata", "namespace")
    if not isinstance(namespace, str) or not namespace:  # Go reads a number as none
        yield Problem(
            "namespace-missing",
            ("metadata",),
            "namespace not specified: the server could not find the requested resource",
            "set metadata.namespace, namespace in its kustomization.yaml, or the Kustomization's"
            " spec.targetNamespace",
        )
