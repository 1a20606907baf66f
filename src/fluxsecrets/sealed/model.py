"""A SealedSecret as data, and how to build one from a Secret like kubeseal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.repo.manifests import SEALED_GROUP, Manifest, child, line_of, text_of
from fluxsecrets.repo.secretobject import FLUX_ANNOTATIONS, Secret
from fluxsecrets.sops.document import Data, Entry, Leaf, Node, to_data
from fluxsecrets.sops.document import Mapping as MapNode

from .codec import check_sealed
from .scopes import Scope, annotations_for, label_of, scope_of, with_scope

API_VERSION = f"{SEALED_GROUP}/v1alpha1"
KIND = "SealedSecret"


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A SealedSecret.

    Attributes:
        name, namespace: from its metadata, or "".
        scope: from its own annotations, like the controller.
        leaves: the places of these values.
        template: `spec.template`, as data.
        legacy: `spec.data`, the whole Secret in one value, or None.
    """

    name: str
    namespace: str
    scope: Scope
    encrypted: Mapping[str, str] = field(repr=False)
    leaves: Mapping[str, Leaf] = field(repr=False)
    template: Mapping[str, Data] = field(default_factory=dict, repr=False)
    legacy: Leaf | None = field(default=None, repr=False)
    node: Node | None = field(default=None, repr=False)

    @property
    def label(self) -> bytes:
        """The label that binds its values to their place."""
        return label_of(self.scope, self.namespace, self.name)

    @property
    def metadata(self) -> Mapping[str, Data]:
        """`spec.template.metadata`."""
        metadata = self.template.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def templated(self) -> Mapping[str, str]:
        """`spec.template.data`: values that the controller renders."""
        data = self.template.get("data")
        found = data if isinstance(data, dict) else {}
        return {key: text for key, text in found.items() if isinstance(text, str)}


def is_sealed(manifest: Manifest) -> bool:
    """Whether an object is a SealedSecret of any version."""
    return manifest.kind == KIND and manifest.group == API_VERSION.partition("/")[0]


def read_sealed(node: Node) -> SealedSecret:
    """Read a SealedSecret's manifest.

    Raises:
        FormatError: it has no name, no `spec`, or values that are not text.
    """
    metadata = child(node, "metadata")
    annotations = _texts(child(metadata, "annotations"))
    spec = child(node, "spec")
    name = text_of(child(metadata, "name"))
    if not name or not isinstance(spec, MapNode):
        raise FormatError("the SealedSecret has no name or no spec", line=line_of(node))
    template = spec.get("template")
    data = to_data(template) if isinstance(template, MapNode) else {}
    legacy = spec.get("data")
    leaves = {}
    encrypted = spec.get("encryptedData")
    for entry in encrypted.entries if isinstance(encrypted, MapNode) else ():
        if not isinstance(entry, Entry):
            continue
        if not isinstance(entry.value, Leaf) or not isinstance(entry.value.value, str):
            raise FormatError(f"the value of {entry.key!a} is not a sealed value", line=entry.line)
        leaves[entry.key] = entry.value
    return SealedSecret(
        name=name,
        namespace=text_of(child(metadata, "namespace")) or "",
        scope=scope_of(annotations),
        encrypted={key: str(leaf.value) for key, leaf in leaves.items()},
        leaves=leaves,
        template=data if isinstance(data, dict) else {},
        legacy=legacy if isinstance(legacy, Leaf) and legacy.value else None,
        node=node,
    )


def check_structure(sealed: SealedSecret) -> None:
    """Check the structure of each value, without a key.

    Raises:
        IntegrityError: a value is not a sealed value; names the key and its line.
    """
    for key, leaf in sealed.leaves.items():
        try:
            check_sealed(sealed.encrypted[key])
        except FluxsecretsError as error:
            error.message = f"the value of {key!a} {error.message}"
            error.line = leaf.line
            raise


def scope_for(secret: Secret, scope: Scope | None) -> Scope:
    """Return the scope for sealing a Secret: the requested one, or the one in its annotations."""
    return scope if scope is not None else scope_of(secret.annotations)


def template_metadata(secret: Secret, *, name: str, namespace: str, scope: Scope) -> dict[str, Data]:
    """Return `spec.template.metadata`: the Secret's own, with the scope's annotations."""
    annotations: dict[str, Data] = {**with_scope(secret.annotations, scope)}
    metadata: dict[str, Data] = {**secret.metadata, "name": name}
    if namespace:
        metadata["namespace"] = namespace
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    return metadata


def own_metadata(secret: Secret, *, name: str, namespace: str, scope: Scope) -> dict[str, Data]:
    """Return the SealedSecret's own metadata: the fields that kubeseal writes, and those that Flux reads."""
    flux = {key: text for key, text in secret.annotations.items() if key.startswith(FLUX_ANNOTATIONS)}
    annotations: dict[str, Data] = {**flux, **annotations_for(scope)}
    metadata: dict[str, Data] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if annotations:
        metadata["annotations"] = annotations
    return metadata


def sealed_data(
    secret: Secret, encrypted: Mapping[str, str], *, name: str, namespace: str, scope: Scope
) -> dict[str, Data]:
    """Return a SealedSecret as data.

    The values by key are in order. Name, namespace and scope are those that they were sealed for.
    """
    template: dict[str, Data] = {
        "metadata": template_metadata(secret, name=name, namespace=namespace, scope=scope)
    }
    if secret.type is not None:
        template["type"] = secret.type
    if secret.immutable is not None:
        template["immutable"] = secret.immutable
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": own_metadata(secret, name=name, namespace=namespace, scope=scope),
        "spec": {"encryptedData": dict(encrypted), "template": template},
    }


def secret_of(sealed: SealedSecret, values: Mapping[str, bytes], texts: frozenset[str]) -> Secret:
    """Return the Secret that the controller would create, without its owner reference.

    Its annotations have the scope of the SealedSecret, so that sealing it again neither narrows nor widens
    it. kubeseal copies the template's annotations, which differ if the scope is written in one place only.

    `texts` are the keys whose values fit in stringData.
    """
    annotations = with_scope(_data_texts(sealed.metadata.get("annotations")), sealed.scope)
    metadata: dict[str, Data] = {**sealed.metadata, "name": sealed.name}
    if sealed.namespace:
        metadata["namespace"] = sealed.namespace
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = dict(annotations)
    kind, immutable = sealed.template.get("type"), sealed.template.get("immutable")
    return Secret(
        name=sealed.name,
        namespace=sealed.namespace,
        type=kind if isinstance(kind, str) and kind else None,
        immutable=immutable if isinstance(immutable, bool) else None,
        metadata=metadata,
        values=values,
        texts=texts,
    )


def _texts(node: Node | None) -> dict[str, str]:
    data = to_data(node) if isinstance(node, MapNode) else {}
    return _data_texts(data)


def _data_texts(data: Data) -> dict[str, str]:
    found = data if isinstance(data, dict) else {}
    return {key: text for key, text in found.items() if isinstance(text, str)}
