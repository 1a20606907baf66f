"""The Secret that an ExternalSecret brings about, read from its store as the operator reads it."""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Mapping

from fluxsecrets.errors import FormatError, StoreError
from fluxsecrets.repo.gotemplate import render
from fluxsecrets.repo.secretobject import FLUX_ANNOTATIONS, Secret, is_text
from fluxsecrets.sops.document import Data

from .model import ExternalSecret, Reference, RemoteValue, RemoteValues
from .stores import StoreClient, Stored

OpenStore = Callable[[Reference], StoreClient]
"""Gives the client for a store that an ExternalSecret names."""


def read_secret_from(external: ExternalSecret, open_store: OpenStore) -> Secret:
    """Read all values of an ExternalSecret.

    Args:
        external: it.
        open_store: clients of stores.

    Raises:
        FormatError: it is one whose values cannot be read without the operator.
        StoreError: a store cannot be reached, or lacks a value.
    """
    _refuse(external)
    seen: dict[tuple[str, str, str, str | None], Stored] = {}

    def stored(value: RemoteValue, source: Reference | None) -> Stored:
        reference = source or external.store
        if reference is None:
            raise FormatError("nothing says which store it is in", line=value.line, hint="add secretStoreRef")
        key = (reference.kind, reference.name, value.remote, value.version)
        if key not in seen:
            client = open_store(reference)
            found = client.read(value.remote, value.version)
            if found is None:
                raise StoreError("there is no such secret", path=f"{client.shown}: {value.remote}")
            seen[key] = found
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
        metadata=_metadata(external),
        values=values,
        texts=frozenset(key for key, value in values.items() if is_text(value)),
    )


def _refuse(external: ExternalSecret) -> None:
    """What is more than a Secret's values at their places."""
    reason = None
    if external.kind != "ExternalSecret":
        reason = f"a {external.kind} makes Secrets in namespaces that only the cluster knows"
    elif external.other_kind:
        reason = "it makes something else than a Secret"
    elif external.creation not in ("Owner", "Orphan"):
        reason = f"with creationPolicy: {external.creation} others have a part in the Secret"
    elif external.generators:
        reason = f"its values are made by the generator {external.generators[0].name!a}"
    elif any(source.find for source in external.sources):
        reason = "it finds its values by name or tags"
    elif any(source.rewrites for source in external.sources):
        reason = "it rewrites the keys of its values"
    elif external.template is not None and external.template.from_elsewhere:
        reason = "its template stands in another object"
    elif any(value.metadata for value in external.values):
        reason = "it reads metadata, and no values"
    if reason is not None:
        raise FormatError(reason, line=external.line, hint="take the Secret from the cluster")


def _extracted(
    source: RemoteValues, stored: Callable[[RemoteValue, Reference | None], Stored]
) -> dict[str, bytes]:
    extract = source.extract
    if extract is None:
        raise FormatError("an entry of dataFrom says nothing to read", line=source.line)
    found = stored(extract, source.source)
    data: object = found.values
    if extract.property is not None:
        text = _property(extract, found)
        try:
            data = json.loads(text)
        except ValueError:
            data = None
    if not isinstance(data, dict):
        raise StoreError(f"the secret {extract.remote!a} has no properties to extract")
    return {
        re.sub(r"[^-._a-zA-Z0-9]", "_", key): _decoded(extract, _bytes(value)) for key, value in data.items()
    }


def _property(value: RemoteValue, found: Stored) -> bytes:
    if value.property is None:
        return found.text.encode("utf-8", "surrogateescape")
    values = found.values or {}
    if value.property in values:
        return _bytes(values[value.property])
    data: object = values
    for part in value.property.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    if data is None:
        raise StoreError(
            f"the secret {value.remote!a} in the store has no property {value.property!a}",
            hint="put it there, or mend the ExternalSecret",
        )
    return _bytes(data)


def _bytes(value: object) -> bytes:
    """As the operator writes it: texts as they are, all else as JSON."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


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
    """`template.data`, as far as it only puts values in."""
    template = external.template
    if template is None or not template.data:
        return dict(values)
    rendered = dict(values) if template.merges else {}
    for key, text in template.data.items():
        made = render(text, values)
        if made is None:
            raise FormatError(
                f"its template under {key!a} is one that only the operator can render",
                line=external.line,
                hint="take the Secret from the cluster",
            )
        rendered[key] = made
    return rendered


def _metadata(external: ExternalSecret) -> dict[str, Data]:
    """The Secret's metadata: the template's, or else the ExternalSecret's own (`setMetadata`)."""
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
