"""How kustomize tells objects apart: by group, version, kind, name and namespace.

Follows kustomize's kyaml/resid and `precomputedIsNamespaceScoped` in kyaml/openapi: kinds that it does not
know are in a namespace, and an object without a namespace is in `default`.
"""

from __future__ import annotations

from collections.abc import Iterable

from fluxsecrets.records import dataclass
from fluxsecrets.repo.manifests import text
from fluxsecrets.repo.objects import Object

_DEFAULT = "default"
_NOWHERE = "_non_namespaceable_"

_CLUSTER_SCOPED = frozenset(
    {
        *(
            f"admissionregistration.k8s.io/{version} {kind}"
            for version in ("v1", "v1beta1")
            for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
        ),
        *(f"apiextensions.k8s.io/{version} CustomResourceDefinition" for version in ("v1", "v1beta1")),
        *(f"apiregistration.k8s.io/{version} APIService" for version in ("v1", "v1beta1")),
        *(f"certificates.k8s.io/{version} CertificateSigningRequest" for version in ("v1", "v1beta1")),
        "flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema",
        "flowcontrol.apiserver.k8s.io/v1beta1 PriorityLevelConfiguration",
        *(f"networking.k8s.io/{version} IngressClass" for version in ("v1", "v1beta1")),
        *(f"node.k8s.io/{version} RuntimeClass" for version in ("v1", "v1beta1")),
        "policy/v1beta1 PodSecurityPolicy",
        *(
            f"rbac.authorization.k8s.io/{version} {kind}"
            for version in ("v1", "v1beta1")
            for kind in ("ClusterRole", "ClusterRoleBinding")
        ),
        *(f"scheduling.k8s.io/{version} PriorityClass" for version in ("v1", "v1beta1")),
        *(
            f"storage.k8s.io/{version} {kind}"
            for version in ("v1", "v1beta1")
            for kind in ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment")
        ),
        *(
            f"v1 {kind}"
            for kind in ("ComponentStatus", "Namespace", "Node", "NodeProxyOptions", "PersistentVolume")
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What may be in a build once only.

    Attributes:
        namespace: the effective one, `default` where none is written.
    """

    api_version: str
    kind: str
    name: str
    namespace: str


def is_cluster_scoped(api_version: str, kind: str) -> bool:
    """Whether kustomize knows that a kind is in no namespace."""
    return f"{api_version} {kind}" in _CLUSTER_SCOPED


def effective_namespace(api_version: str, kind: str, namespace: str | None) -> str:
    """The namespace by which kustomize compares."""
    return _NOWHERE if is_cluster_scoped(api_version, kind) else namespace or _DEFAULT


def identity(item: Object) -> Identity:
    """What an object is now."""
    return _made(item, item.name, text(item.data, "metadata", "namespace"))


def identities(item: Object) -> tuple[Identity, ...]:
    """What an object is now and was before, the current one first."""
    return (identity(item), *(_made(item, name, namespace) for namespace, name in item.names))


def original(item: Object) -> Identity:
    """What an object was at first."""
    return identities(item)[1] if item.names else identity(item)


def duplicates(objects: Iterable[Object], known: set[Identity] | None = None) -> list[Object]:
    """The objects that are there already when they come.

    Args:
        objects: in the order in which they come.
        known: the identities of all before them, and gets theirs: thousands are not compared again for each.
    """
    seen = set() if known is None else known
    found = []
    for item in objects:
        before = len(seen)
        seen.add(identity(item))
        if len(seen) == before:
            found.append(item)
    return found


class Identities:
    """The identities of a list of objects that grows: components add to it one after the other."""

    def __init__(self) -> None:
        """No list is known yet."""
        self._objects: list[Object] | None = None
        self._known: set[Identity] = set()

    def of(self, objects: list[Object]) -> set[Identity]:
        """Return what the objects of a list are. The set is the caller's to add to."""
        known = self._known if objects is self._objects else set(map(identity, objects))
        self._objects, self._known = None, set()
        return known

    def keep(self, objects: list[Object], known: set[Identity]) -> None:
        """Keep what the objects of a list are, until somebody asks; the list does not change meanwhile."""
        self._objects, self._known = objects, known


def shown(item: Object) -> str:
    """An object as kustomize names it in errors, such as `Secret.v1.[noGrp]/a.apps`."""
    return shown_as(item.api_version, item.kind, item.name, text(item.data, "metadata", "namespace"))


def shown_as(api_version: str, kind: str, name: str, namespace: str | None) -> str:
    """The same of the parts."""
    group, _, version = api_version.rpartition("/")
    kind_text = f"{kind or '[noKind]'}.{version or '[noVer]'}.{group or '[noGrp]'}"
    return f"{kind_text}/{name or '[noName]'}.{namespace or '[noNs]'}"


def _made(item: Object, name: str, namespace: str | None) -> Identity:
    return Identity(
        item.api_version, item.kind, name, effective_namespace(item.api_version, item.kind, namespace)
    )
