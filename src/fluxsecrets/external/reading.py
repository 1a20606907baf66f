"""Read the Secret of an ExternalSecret from its store, like the operator."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Mapping

from fluxsecrets.errors import FormatError, StoreError
from fluxsecrets.repo.gotemplate import render
from fluxsecrets.repo.secretobject import FLUX_ANNOTATIONS, Secret, is_text
from fluxsecrets.sops.document import Data

from .model import ExternalSecret, Reference, RemoteValue, RemoteValues
from .stores import StoreClient
from .stores.content import JsonText, exact
from .stores.model import Content

OpenStore = Callable[[Reference], StoreClient]
"""Returns the client of a store that an ExternalSecret names."""


def read_secret_from(external: ExternalSecret, open_store: OpenStore) -> Secret:
    """Read all values of an ExternalSecret.

    Raises:
        FormatError: its values can't be read without the operator.
        StoreError: a store can't be reached, or lacks a value.
    """
    _refuse(external)
    seen: dict[tuple[str, str, str, str | None], Content] = {}

    def stored(value: RemoteValue, source: Reference | None) -> Content:
        reference = source or external.store
        if reference is None:
            raise FormatError("no store is named for it", line=value.line, hint="add secretStoreRef")
        key = (reference.kind, reference.name, value.remote, value.version)
        if key not in seen:
            client = open_store(reference)
            found = client.read(value.remote, value.version)
            if found is None or found.content is None:
                raise StoreError(
                    "this secret does not exist", path=f"{client.shown}: {ascii(value.remote)[1:-1]}"
                )
            seen[key] = found.content
        return seen[key]

    values: dict[str, bytes] = {}
    for source in external.sources:
        values.update(_extracted(source, stored))
    for value in external.values:
        values[value.key] = _decoded(value, _property(value, stored(value, value.source)))
    values = _rendered(external, values)
    return Secret(
        name=external.target,
        namespace=external.namespace,
        type=external.template.type if external.template is not None else None,
        immutable=True if external.immutable else None,
        metadata=metadata_of(external),
        values=values,
        texts=frozenset(key for key, value in values.items() if is_text(value)),
    )


def _refuse(external: ExternalSecret) -> None:
    """Refuse an ExternalSecret that only the operator can read."""
    reason = None
    if external.kind != "ExternalSecret":
        reason = f"a {external.kind} creates Secrets in namespaces that only the cluster knows"
    elif external.other_kind:
        reason = "it creates another kind than a Secret"
    elif external.creation not in ("Owner", "Orphan"):
        reason = f"with creationPolicy: {external.creation}, others also write to the Secret"
    elif external.generators:
        reason = f"the generator {external.generators[0].name!a} creates its values"
    elif any(source.find for source in external.sources):
        reason = "it finds its values by name or tags"
    elif any(source.rewrites for source in external.sources):
        reason = "it rewrites the keys of its values"
    elif external.template is not None and external.template.from_elsewhere:
        reason = "its template is in another object"
    elif any(value.metadata for value in external.values):
        reason = "it reads metadata instead of values"
    if reason is not None:
        raise FormatError(reason, line=external.line, hint="get the Secret from the cluster")


def _extracted(
    source: RemoteValues, stored: Callable[[RemoteValue, Reference | None], Content]
) -> dict[str, bytes]:
    extract = source.extract
    if extract is None:
        raise FormatError("an entry of dataFrom names nothing to read", line=source.line)
    found = stored(extract, source.source)
    if extract.property is not None:
        text = _property(extract, found).decode("utf-8", "surrogateescape")
        members = JsonText(text, exact).members()
    else:
        members = found.members()
    if members is None:
        raise StoreError(f"the secret {extract.remote!a} has no properties to extract")
    return {re.sub(r"[^-._a-zA-Z0-9]", "_", key): _decoded(extract, value) for key, value in members.items()}


def _property(value: RemoteValue, found: Content) -> bytes:
    if value.property is None:
        return found.whole()
    part = found.part(value.property)
    if part is None:
        raise StoreError(
            f"the secret {value.remote!a} in the store has no property {value.property!a}",
            hint="add it to the store, or fix the ExternalSecret",
        )
    return part


def _decoded(value: RemoteValue, data: bytes) -> bytes:
    name = value.key or value.remote
    if value.decoding == "None":
        return data
    for strategy, decode in (("Base64", b64decode), ("Base64URL", urlsafe_b64decode)):
        if value.decoding not in (strategy, "Auto"):
            continue
        try:
            return decode(data) if strategy == "Base64URL" else b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            continue
    if value.decoding == "Auto":
        return data
    raise StoreError(f"the value of {name!a} in the store is not {value.decoding}")


def _rendered(external: ExternalSecret, values: Mapping[str, bytes]) -> dict[str, bytes]:
    """Render `template.data`, if it only inserts values."""
    template = external.template
    if template is None or not template.data:
        return dict(values)
    rendered = dict(values) if template.merges else {}
    for key, text in template.data.items():
        made = render(text, values)
        if made is None:
            raise FormatError(
                f"only the operator can render its template under {key!a}",
                line=external.line,
                hint="get the Secret from the cluster",
            )
        rendered[key] = made
    return rendered


def metadata_of(external: ExternalSecret) -> dict[str, Data]:
    """Return the Secret's metadata: the template's, or the ExternalSecret's own (`setMetadata`)."""
    template = external.template
    labels, annotations = external.labels, external.annotations
    if template is not None:
        labels = template.labels
        flux = {key: text for key, text in annotations.items() if key.startswith(FLUX_ANNOTATIONS)}
        annotations = {**template.annotations, **flux}
    metadata: dict[str, Data] = {"name": external.target}
    if external.namespace:
        metadata["namespace"] = external.namespace
    if labels:
        metadata["labels"] = dict(labels)
    if annotations:
        metadata["annotations"] = dict(annotations)
    return metadata
