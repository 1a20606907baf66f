"""Turn what kubectl printed into objects and Secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fluxsecrets.repo.manifests import Plain, text

from .kinds import Kind, kind_of
from .model import LiveObject

LARGEST: Final = 256 * 2**20
"""Bytes that are read of one list: a large cluster's Secrets take some ten MiB."""


def items(data: Any) -> Iterator[Plain]:
    """Return the objects in a document: of a List each of its items, else the document itself."""
    if not isinstance(data, dict):
        return
    kind, inner = data.get("kind"), data.get("items")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(inner, list):
        for each in inner:
            if isinstance(each, dict):
                yield _typed(each, data)
    else:
        yield data


def _typed(item: Plain, parent: Plain) -> Plain:
    """An item with its kind, which the API leaves out in a typed list such as SecretList."""
    if "kind" in item:
        return item
    kind = str(parent["kind"]).removesuffix("List")
    return {"apiVersion": parent.get("apiVersion"), "kind": kind, **item}


def kind_in(data: Plain) -> Kind | None:
    """Return the kind of an object, or None if nothing here asks for it."""
    version, name = text(data, "apiVersion"), text(data, "kind")
    return kind_of(version, name) if version is not None and name is not None else None


def read_object(kind: Kind, data: Plain) -> LiveObject | None:
    """Return an object other than a Secret; None for one without a name."""
    name = text(data, "metadata", "name")
    return (
        LiveObject(kind, text(data, "metadata", "namespace") or "", name, data) if name is not None else None
    )
