"""Turn the text of a Secret into that of an ExternalSecret, and back, with its comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from fluxsecrets.errors import FormatError, UnprotectedError
from fluxsecrets.repo.manifests import child, text_of
from fluxsecrets.repo.pieces import Piece, Pieces, find, map_pieces, value_piece
from fluxsecrets.repo.secretlayout import secret_pieces, value_children
from fluxsecrets.repo.secretobject import FLUX_ANNOTATIONS, Secret
from fluxsecrets.sops.document import Data

from .model import API_VERSION, Reference

_REFUSED_TYPES = ("bootstrap.kubernetes.io/token", "kubernetes.io/service-account-token")
_TYPE = ("apiVersion", "kind")


class Placed(NamedTuple):
    """Where one value is in a store.

    Attributes:
        property: the part of the content under the key, or None for all of it.
        encoded: the store holds it in base64, because it would not return the value as it is.
    """

    key: str
    property: str | None
    encoded: bool = False


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the values of a Secret are.

    Attributes:
        values: by their keys in the Secret.
        refresh: how often the operator reads the store.
    """

    store: Reference
    values: Mapping[str, Placed]
    refresh: str = "1h"


def external_data(secret: Secret, remote: Remote) -> dict[str, Data]:
    """Return an ExternalSecret that creates a Secret.

    Raises:
        UnprotectedError: the Secret has no values.
        FormatError: the operator does not create Secrets of its type, or its labels look like templates.
    """
    if not secret.values:
        raise UnprotectedError(f"the Secret {secret.name!a} has no values that could be in a store")
    if secret.type in _REFUSED_TYPES:
        raise FormatError(
            f"the operator does not create Secrets of the type {secret.type}", hint="leave it unchanged"
        )
    texts = (*secret.labels.values(), *secret.annotations.values())
    if any("{{" in text for text in texts):
        raise FormatError(
            f"labels or annotations of the Secret {secret.name!a} have {{{{, which the operator would render",
            hint="change them, or leave the Secret unchanged",
        )
    annotations = secret.annotations
    flux = {key: text for key, text in annotations.items() if key.startswith(FLUX_ANNOTATIONS)}
    metadata: dict[str, Data] = {"name": secret.name}
    if secret.namespace:
        metadata["namespace"] = secret.namespace
    if flux:
        metadata["annotations"] = dict(flux)
    target: dict[str, Data] = {"name": secret.name}
    if secret.immutable:
        target["immutable"] = True
    template = _template(secret)
    if template:
        target["template"] = template
    data: list[Data] = [_entry(key, remote) for key in secret.values]
    return {
        "apiVersion": API_VERSION,
        "kind": "ExternalSecret",
        "metadata": metadata,
        "spec": {
            "refreshInterval": remote.refresh,
            "secretStoreRef": {"kind": remote.store.kind, "name": remote.store.name},
            "target": target,
            "data": data,
        },
    }


def external_pieces(data: dict[str, Data], pieces: Pieces) -> Pieces:
    """Return the pieces of an ExternalSecret."""
    values, tail = value_children(pieces)
    field = next((piece for piece in pieces if piece.key in ("data", "stringData")), Piece("data"))
    spec = data["spec"]
    entries = spec["data"] if isinstance(spec, dict) else []
    by_key = {piece.key: piece for piece in values}
    items = tuple(
        _item(entry, by_key.get(str(entry.get("secretKey"))))
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    )
    listed = Piece("data", lead=field.lead, inline=field.inline, children=items, tail=tail)
    metadata = find(pieces, "metadata")
    inner = tuple(piece for piece in (metadata.children or () if metadata is not None else ()))
    outer_metadata = tuple(piece for piece in inner if piece.key in ("name", "namespace"))
    template_metadata = tuple(piece for piece in inner if piece.key in ("labels", "annotations"))
    kind, immutable = find(pieces, "type"), find(pieces, "immutable")
    template = Piece(
        "template",
        children=(
            *((kind,) if kind is not None else ()),
            *((Piece("metadata", children=template_metadata),) if template_metadata else ()),
        ),
    )
    target = Piece("target", children=(*((immutable,) if immutable is not None else ()), template))
    head = Piece("metadata", children=outer_metadata)
    if metadata is not None:
        head = replace(head, lead=metadata.lead, inline=metadata.inline, tail=metadata.tail)
    made = map_pieces(
        {**data, "spec": {key: value for key, value in spec.items() if key != "data"}}
        if isinstance(spec, dict)
        else data,
        (*(piece for piece in pieces if piece.key in _TYPE), head, Piece("spec", children=(target,))),
    )
    return tuple(_with_items(piece, listed, spec) if piece.key == "spec" else piece for piece in made)


def secret_pieces_of(secret: Secret, pieces: Pieces) -> Pieces:
    """Return the pieces of a Secret."""
    spec = find(pieces, "spec") or Piece("spec")
    listed = spec.child("data") or Piece("data")
    values = tuple(
        _value_like(key, value, item)
        for item in listed.children or ()
        if (key := text_of(child(item.node, "secretKey")) or "")
        for value in [secret.values.get(key)]
        if value is not None
    )
    target = spec.child("target") or Piece("target")
    template = target.child("template") or Piece("template")
    inner = template.child("metadata")
    outer = find(pieces, "metadata") or Piece("metadata")
    metadata = replace(
        outer,
        raw=None,
        node=None,
        children=(
            *(piece for piece in outer.children or () if piece.key in ("name", "namespace")),
            *((inner.children or ()) if inner is not None else ()),
            *(
                piece
                for piece in outer.children or ()
                if piece.key in ("labels", "annotations")
                and (inner is None or inner.child(piece.key) is None)
            ),
        ),
    )
    kept = [piece for piece in (template.child("type"), target.child("immutable")) if piece is not None]
    types = [piece for piece in pieces if piece.key in _TYPE]
    field = replace(listed, lead=spec.lead + listed.lead)
    return secret_pieces(secret, (*types, metadata, *kept), values, field)


def _template(secret: Secret) -> dict[str, Data]:
    template: dict[str, Data] = {}
    if secret.type is not None and secret.type != "Opaque":
        template["type"] = secret.type
    metadata: dict[str, Data] = {}
    if secret.labels:
        metadata["labels"] = dict(secret.labels)
    if secret.annotations:
        metadata["annotations"] = dict(secret.annotations)
    if metadata:
        template["metadata"] = metadata
    return template


def _entry(key: str, remote: Remote) -> dict[str, Data]:
    placed = remote.values[key]
    reference: dict[str, Data] = {"key": placed.key}
    if placed.property is not None:
        reference["property"] = placed.property
    if placed.encoded:
        reference["decodingStrategy"] = "Base64"
    return {"secretKey": key, "remoteRef": reference}


def _item(entry: Mapping[str, Data], like: Piece | None) -> Piece:
    """Return a list item, with the comments of its value."""
    key = str(entry["secretKey"])
    first = value_piece("secretKey", key, replace(like, lead="", children=None) if like is not None else None)
    rest = value_piece("remoteRef", entry["remoteRef"])
    text = (first.raw or "") + (rest.raw or "")
    lines = [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
    lead = (like.lead if like is not None else "") + first.lead
    return Piece("", lead=lead, raw="".join(["- " + lines[0], *("  " + line for line in lines[1:])]))


def _with_items(spec: Piece, listed: Piece, data: Data) -> Piece:
    return _in_order(replace(spec, children=(*(spec.children or ()), listed)), data)


def _in_order(piece: Piece, data: Data) -> Piece:
    """Sort entries like External Secrets' own examples."""
    if not isinstance(data, dict) or piece.children is None or piece.node is not None:
        return piece
    order = list(data)
    children = (_in_order(child, data.get(child.key)) for child in piece.children)
    return replace(piece, children=tuple(sorted(children, key=lambda child: order.index(child.key))))


def _value_like(key: str, value: bytes, item: Piece) -> Piece:
    """Return a placeholder for a value, with the comments of its list item. The value is filled in later."""
    comments = [line for line in item.inline.split("\n") if line]
    inline = comments[0] if len(comments) == 1 else ""
    lead = item.lead + ("".join(f"{line}\n" for line in comments) if len(comments) > 1 else "")
    return Piece(key, lead=lead, inline=inline, raw=f"{key}: {len(value)}\n")
