"""Kubernetes objects as Flux would apply them, to the extent known without a cluster."""

from __future__ import annotations

from enum import StrEnum

from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.sops.document import Node, find, to_data

from .manifests import Manifest, Plain, Steps, dig, line_of, pairs, text

CLUSTER_SCOPED = frozenset(
    {
        "APIService", "CSIDriver", "CSINode", "ClusterExternalSecret", "ClusterIssuer", "ClusterPolicy",
        "ClusterRole", "ClusterRoleBinding", "ClusterSecretStore", "CustomResourceDefinition", "GatewayClass",
        "IngressClass", "MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume",
        "PriorityClass", "RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy",
        "ValidatingWebhookConfiguration", "VolumeSnapshotClass",
    }
)  # fmt: skip
"""Kinds that are in no namespace."""

Name = tuple[str | None, str]
"""Namespace, or None if it is missing or unknown, and name."""

Affix = tuple[str, str]
"""`prefix` or `suffix`, and the text."""


class Origin(StrEnum):
    """Where a source's values are."""

    FILE = "file"
    ENVS = "envs"
    LITERAL = "literal"


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of `files`, `envs` or `literals`.

    Attributes:
        key: of the value; "" for `envs`, whose file has the keys.
        path: of the file, relative to the root of the repository; "" for a literal.
        format: what Flux takes the file for when it decrypts it; "" where Flux does not decrypt it.
        line: 1-based line of the entry.
        value: a literal's. Not in the repr.
    """

    origin: Origin
    key: str
    path: str
    format: str
    line: int
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Generated:
    """How kustomize makes an object.

    Attributes:
        keys: of its data, where the kustomization file and the names of files tell them.
        files: what it reads, relative to the root of the repository.
        hashed: kustomize adds a hash to its name, and to what refers to it in Kubernetes' own kinds.
        complete: `keys` are all there are.
        literals: some of the values stand in the kustomization file itself.
        sources: where the values come from. `data` holds them as they are in the repository: where Flux
            decrypts a source, `generating.content` gives the others.
    """

    keys: tuple[str, ...]
    files: tuple[str, ...]
    hashed: bool
    complete: bool
    literals: bool = False
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Object:
    """One object.

    Attributes:
        api_version, kind, name, namespace: effective; the namespace is None for what is in none, and
            where no file says it.
        file, line: where it is written; for a generated one, where the generator is.
        data: all of it after patches, namespaces, prefixes and known variables; encrypted values are as
            they stand. Not in the repr, since it holds the values.
        manifest: as it is written; None for generated ones.
        generated: how it is made, or None.
        names: what it was called before, the first name first.
        affixes: the prefixes and suffixes that its name got, the first one first.
        through: the kustomization files that bring it, the innermost first.
        patched_by: `file:line` of each patch that changed it.
    """

    api_version: str
    kind: str
    name: str
    namespace: str | None
    file: str
    line: int
    data: Plain = field(repr=False, compare=False)
    manifest: Manifest | None = field(default=None, repr=False, compare=False)
    generated: Generated | None = None
    names: tuple[Name, ...] = ()
    affixes: tuple[Affix, ...] = ()
    through: tuple[str, ...] = ()
    patched_by: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The API group, "" for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def key(self) -> tuple[str, str, str | None, str]:
        """Group, kind, namespace and name: what makes it one object in a cluster."""
        return (self.group, self.kind, self.namespace, self.name)

    @property
    def all_names(self) -> tuple[Name, ...]:
        """Its names, now and before."""
        return ((self.namespace, self.name), *self.names)

    @property
    def annotations(self) -> dict[str, str]:
        """All of its annotations."""
        return pairs(self.data, "metadata", "annotations")

    @property
    def labels(self) -> dict[str, str]:
        """All of its labels."""
        return pairs(self.data, "metadata", "labels")

    @property
    def is_secret(self) -> bool:
        """Whether it is a core Secret."""
        return self.kind == "Secret" and self.api_version == "v1"

    def line_at(self, steps: Steps) -> int:
        """The line of a place in `data`, or as near to it as what is written goes."""
        node: Node | None = self.manifest.node if self.manifest is not None else None
        line = self.line
        while node is not None and steps:
            node = find(node, steps[:1])
            steps = steps[1:]
            line = line_of(node) or line
        return line


def object_of(manifest: Manifest, file: str) -> Object | None:
    """A manifest as an object; None where it has no name."""
    data = to_data(manifest.node)
    name = pairs(data, "metadata").get("name")
    if not name or not isinstance(data, dict):
        return None
    data = {"apiVersion": manifest.api_version, "kind": manifest.kind, **data}
    cluster = manifest.kind in CLUSTER_SCOPED
    return Object(
        manifest.api_version,
        manifest.kind,
        name,
        None if cluster else manifest.namespace,
        file,
        manifest.line,
        data,
        manifest,
    )


def key_with(item: Object, data: Plain) -> tuple[str, str, str | None, str]:
    """Return the `key` that an object has with other data."""
    api_version, kind, namespace, name = _called(item, data)
    return (api_version.rpartition("/")[0], kind, namespace, name)


def _called(item: Object, data: Plain) -> tuple[str, str, str | None, str]:
    """What other data make of its API version, kind, namespace and name."""
    return (
        str(data.get("apiVersion") or item.api_version),
        str(data.get("kind") or item.kind),
        None if item.kind in CLUSTER_SCOPED else text(data, "metadata", "namespace"),
        text(data, "metadata", "name") or item.name,
    )


def with_data(item: Object, data: Plain) -> Object:
    """The object with other data; its name and namespace follow it."""
    api_version, kind, namespace, name = _called(item, data)
    renamed = (namespace, name) != (item.namespace, item.name)
    return replace(
        item,
        api_version=api_version,
        kind=kind,
        name=name,
        namespace=namespace,
        data=data,
        names=(*item.names, (item.namespace, item.name)) if renamed else item.names,
    )


def with_metadata(item: Object, **fields: object) -> Object:
    """The object with fields of its metadata set."""
    metadata = dig(item.data, "metadata")
    known = metadata if isinstance(metadata, dict) else {}
    return with_data(item, {**item.data, "metadata": {**known, **fields}})
