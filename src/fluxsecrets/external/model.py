"""ExternalSecrets, stores and generators as data: v1beta1 and v1 (and v1alpha1, to report it).

In an ExternalSecret, v1 has all fields of v1beta1. `checks` knows the fields that were dropped since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fluxsecrets.repo.manifests import EXTERNAL_GROUP, Manifest, child, items_of, line_of, text_of
from fluxsecrets.sops.document import Data, Entry, Leaf, Node, to_data
from fluxsecrets.sops.document import Mapping as MapNode

GROUP = EXTERNAL_GROUP
GENERATORS_GROUP = f"generators.{GROUP}"
API_VERSION = f"{GROUP}/v1"

EXTERNAL_KINDS = ("ExternalSecret", "ClusterExternalSecret")
STORE_KINDS = ("SecretStore", "ClusterSecretStore")
CLUSTER_GENERATOR = "ClusterGenerator"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a store or a generator."""

    kind: str
    name: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteValue:
    """One entry of `spec.data`: a value of the Secret, and its source.

    Attributes:
        key: the key in the Secret.
        remote: the key in the store.
        property: a part of the value under that key, or None for all of it.
        version: the version, or None for the newest.
        decoding: `None`, `Base64`, `Base64URL` or `Auto`.
        metadata: reads the store's metadata instead of the value.
        source: a store or generator other than the ExternalSecret's own.
    """

    key: str
    remote: str
    property: str | None = None
    version: str | None = None
    decoding: str = "None"
    metadata: bool = False
    source: Reference | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteValues:
    """One entry of `spec.dataFrom`: values whose keys only the store knows."""

    extract: RemoteValue | None = None
    find: bool = False
    rewrites: bool = False
    source: Reference | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """`spec.target.template`.

    Attributes:
        data: templates by key.
        from_elsewhere: has a `templateFrom`.
        merges: keeps values that no template mentions (`mergePolicy: Merge`).
        engine: `v2` by default.
    """

    type: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    from_elsewhere: bool = False
    merges: bool = False
    engine: str = "v2"


@dataclass(frozen=True, slots=True)
class ExternalSecret:
    """An ExternalSecret, or one that a ClusterExternalSecret creates in many namespaces.

    Attributes:
        api_version, kind: as written.
        name, namespace: from its metadata, or "".
        external_name: the name of the ExternalSecrets that a ClusterExternalSecret creates, or its own.
        store: `spec.secretStoreRef`, or None.
        target: the name of the Secret.
        creation: `Owner`, `Orphan`, `Merge`, `None` or `CreateOrMerge`.
        deletion: `Retain`, `Delete` or `Merge`.
        template: `spec.target.template`, or None.
        values: `spec.data`.
        sources: `spec.dataFrom`.
        other_kind: creates another kind than a Secret (`spec.target.manifest`).
    """

    api_version: str
    kind: str
    name: str
    namespace: str
    external_name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    store: Reference | None
    target: str
    creation: str
    deletion: str
    immutable: bool
    template: Template | None
    values: tuple[RemoteValue, ...]
    sources: tuple[RemoteValues, ...]
    other_kind: bool
    line: int | None
    node: Node = field(repr=False)

    @property
    def references(self) -> tuple[Reference, ...]:
        """The stores that it reads, each once."""
        named = [each for each in (self.store, *self._sources) if each is not None]
        stores = [each for each in named if each.kind in STORE_KINDS]
        return tuple({(each.kind, each.name): each for each in reversed(stores)}.values())[::-1]

    @property
    def generators(self) -> tuple[Reference, ...]:
        """The generators of its values."""
        return tuple(each for each in self._sources if each.kind not in STORE_KINDS)

    @property
    def _sources(self) -> list[Reference]:
        found = [*(each.source for each in self.values), *(each.source for each in self.sources)]
        return [each for each in found if each is not None]


@dataclass(frozen=True, slots=True)
class Store:
    """A SecretStore or ClusterSecretStore.

    Attributes:
        api_version, kind: as written.
        providers: names of the providers under `spec.provider`; a valid store has exactly one.
        settings: the settings of the first provider.
        namespaces: the namespaces that a ClusterSecretStore lists by name, or empty.
    """

    api_version: str
    kind: str
    name: str
    namespace: str
    providers: tuple[str, ...]
    settings: Mapping[str, Data] = field(repr=False)
    namespaces: tuple[str, ...] = ()
    line: int | None = None
    node: Node | None = field(default=None, repr=False)

    @property
    def provider(self) -> str:
        """The provider, or ""."""
        return self.providers[0] if self.providers else ""

    def setting(self, name: str) -> str:
        """Return a setting that is a text, or ""."""
        value = self.settings.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator, which creates values such as passwords or tokens on request.

    Attributes:
        api_version, kind: as written; a ClusterGenerator serves all namespaces.
        makes: the kind of generator that a ClusterGenerator wraps, or its own kind.
    """

    api_version: str
    kind: str
    name: str
    namespace: str
    makes: str
    line: int | None = None


def read_external(manifest: Manifest) -> ExternalSecret | None:
    """Read an object as an ExternalSecret or ClusterExternalSecret, or return None."""
    if manifest.group != GROUP or manifest.kind not in EXTERNAL_KINDS:
        return None
    node, name = manifest.node, manifest.name or ""
    spec: Node | None = child(node, "spec")
    external_name, metadata = name, child(node, "metadata")
    if manifest.kind == "ClusterExternalSecret":
        external_name = text_of(child(spec, "externalSecretName")) or name
        metadata = child(spec, "externalSecretMetadata")
        spec = child(spec, "externalSecretSpec")
    target = child(spec, "target")
    return ExternalSecret(
        api_version=manifest.api_version,
        kind=manifest.kind,
        name=name,
        namespace=manifest.namespace or "",
        external_name=external_name,
        labels=_texts(child(metadata, "labels")),
        annotations=_texts(child(metadata, "annotations")),
        store=_reference(child(spec, "secretStoreRef")),
        target=text_of(child(target, "name")) or external_name,
        creation=text_of(child(target, "creationPolicy")) or "Owner",
        deletion=text_of(child(target, "deletionPolicy")) or "Retain",
        immutable=_is_true(child(target, "immutable")),
        template=_template(child(target, "template")),
        values=tuple(_value(item) for item in items_of(child(spec, "data"))),
        sources=tuple(_values(item) for item in items_of(child(spec, "dataFrom"))),
        other_kind=_is_other_kind(child(target, "manifest")),
        line=manifest.line,
        node=node,
    )


def read_store(manifest: Manifest) -> Store | None:
    """Read an object as a store, or return None."""
    if manifest.group != GROUP or manifest.kind not in STORE_KINDS:
        return None
    provider = child(manifest.node, "spec", "provider")
    entries = [entry for entry in _entries(provider) if isinstance(entry.value, MapNode)]
    settings = to_data(entries[0].value) if entries else {}
    conditions = items_of(child(manifest.node, "spec", "conditions"))
    names = [text_of(item) for each in conditions for item in items_of(child(each, "namespaces"))]
    by_name = all([entry.key for entry in _entries(each)] == ["namespaces"] for each in conditions)
    return Store(
        api_version=manifest.api_version,
        kind=manifest.kind,
        name=manifest.name or "",
        namespace=manifest.namespace or "",
        providers=tuple(entry.key for entry in _entries(provider)),
        settings=settings if isinstance(settings, dict) else {},
        namespaces=tuple(name for name in names if name) if by_name else (),
        line=manifest.line,
        node=manifest.node,
    )


def read_generator(manifest: Manifest) -> Generator | None:
    """Read an object as a generator, or return None."""
    if manifest.group != GENERATORS_GROUP or manifest.kind.endswith(("List", "State")):
        return None
    makes = manifest.kind
    if manifest.kind == CLUSTER_GENERATOR:
        makes = text_of(child(manifest.node, "spec", "kind")) or ""
    return Generator(
        manifest.api_version,
        manifest.kind,
        manifest.name or "",
        manifest.namespace or "",
        makes,
        manifest.line,
    )


def _reference(node: Node | None) -> Reference | None:
    name = text_of(child(node, "name"))
    return Reference(text_of(child(node, "kind")) or "SecretStore", name, line_of(node)) if name else None


def _source(node: Node | None) -> Reference | None:
    """Read `sourceRef`: another store, or a generator."""
    generator = _reference(child(node, "generatorRef"))
    return generator if generator is not None else _reference(child(node, "storeRef"))


def _value(node: Node) -> RemoteValue:
    return _remote(
        child(node, "remoteRef"),
        key=text_of(child(node, "secretKey")) or "",
        source=_source(child(node, "sourceRef")),
        line=line_of(node),
    )


def _values(node: Node) -> RemoteValues:
    extract = child(node, "extract")
    return RemoteValues(
        extract=_remote(extract, key="", source=None, line=line_of(extract)) if extract is not None else None,
        find=child(node, "find") is not None,
        rewrites=bool(items_of(child(node, "rewrite"))),
        source=_source(child(node, "sourceRef")),
        line=line_of(node),
    )


def _remote(node: Node | None, *, key: str, source: Reference | None, line: int | None) -> RemoteValue:
    return RemoteValue(
        key=key,
        remote=text_of(child(node, "key")) or "",
        property=text_of(child(node, "property")) or None,
        version=text_of(child(node, "version")) or None,
        decoding=text_of(child(node, "decodingStrategy")) or "None",
        metadata=text_of(child(node, "metadataPolicy")) == "Fetch",
        source=source,
        line=line,
    )


def _template(node: Node | None) -> Template | None:
    if not isinstance(node, MapNode):
        return None
    return Template(
        type=text_of(node.get("type")) or None,
        labels=_texts(child(node, "metadata", "labels")),
        annotations=_texts(child(node, "metadata", "annotations")),
        data=_texts(node.get("data")),
        from_elsewhere=bool(items_of(node.get("templateFrom"))),
        merges=text_of(node.get("mergePolicy")) == "Merge",
        engine=text_of(node.get("engineVersion")) or "v2",
    )


def _is_other_kind(node: Node | None) -> bool:
    """Whether a target's manifest is of another kind than a Secret."""
    if node is None:
        return False
    return (text_of(child(node, "apiVersion")), text_of(child(node, "kind"))) != ("v1", "Secret")


def _entries(node: Node | None) -> Iterator[Entry]:
    for entry in node.entries if isinstance(node, MapNode) else ():
        if isinstance(entry, Entry):
            yield entry


def _texts(node: Node | None) -> dict[str, str]:
    return {entry.key: text for entry in _entries(node) if (text := text_of(entry.value)) is not None}


def _is_true(node: Node | None) -> bool:
    return isinstance(node, Leaf) and node.value is True
