"""Turn what kubectl printed into objects and Secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fluxsecrets.errors import ClusterError
from fluxsecrets.repo.manifests import Plain, text

from .kinds import Kind, kind_of
from .model import LiveObject, Name, is_name

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


def name_in(data: Plain) -> Name:
    """Return the namespace and the name of an object, which go into messages and hints.

    Raises:
        ClusterError: an API server would have refused one of them.
    """
    namespace, name = text(data, "metadata", "namespace") or "", text(data, "metadata", "name") or ""
    if not is_name(name) or (namespace and not is_name(namespace)):
        raise ClusterError(
            "an object has a name that Kubernetes does not allow",
            hint="no API server has written this: read the cluster again",
        )
    return namespace, name


def read_object(kind: Kind, data: Plain) -> LiveObject:
    """Return an object other than a Secret.

    Raises:
        ClusterError: its name is not one.
    """
    return LiveObject(kind, *name_in(data), data)
