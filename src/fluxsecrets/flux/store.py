"""The Secrets and ConfigMaps that the cluster has once earlier Kustomizations are applied."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from fluxsecrets.marks import is_ciphertext
from fluxsecrets.repo.manifests import EXTERNAL_GROUP, SEALED_GROUP, dig, maps, pairs, text
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.repo.presentsettings import Present

from .model import ObjectVerdict
from .unknown import is_unknown


class Held(NamedTuple):
    """A Secret or ConfigMap in the cluster.

    Attributes:
        values: text by key; None for a value that is not known here.
        complete: these are all its keys.
        owner: namespace and name of the Kustomization that applies it.
        item: as it is built; None for what something else makes.
    """

    values: Mapping[str, str | None]
    complete: bool
    owner: tuple[str | None, str] | None
    item: Object | None

    def __repr__(self) -> str:
        """Without the values."""
        return f"Held(keys={sorted(self.values)!r}, complete={self.complete!r}, owner={self.owner!r})"


Key = tuple[str, str | None, str]
"""Kind, namespace and name."""

_MADE_ELSEWHERE = {
    (EXTERNAL_GROUP, "ExternalSecret"): ("spec", "target", "name"),
    (SEALED_GROUP, "SealedSecret"): ("spec", "template", "metadata", "name"),
}
"""What controllers make Secrets of, and where the name of the Secret is, if it has another."""

_KEPT = frozenset({"Secret", "ConfigMap", *(kind for _, kind in _MADE_ELSEWHERE)})
"""The kinds that `key_of` returns a key for."""


def key_of(item: Object) -> Key | None:
    """The Secret or ConfigMap that an object is, or that a controller makes of it; None for others."""
    if item.kind in ("Secret", "ConfigMap") and item.api_version == "v1":
        return item.kind, item.namespace, item.name
    steps = _MADE_ELSEWHERE.get((item.group, item.kind))
    return ("Secret", item.namespace, text(item.data, *steps) or item.name) if steps is not None else None


@dataclass(frozen=True, slots=True)
class Store:
    """What is held, by kind, namespace and name."""

    held: Mapping[Key, Held] = field(default_factory=dict)

    def get(self, kind: str, namespace: str | None, name: str) -> Held | None:
        """One of them, or None if no file of the repository makes it."""
        return self.held.get((kind, namespace, name))

    def with_objects(self, objects: Iterable[ObjectVerdict], owner: tuple[str | None, str] | None) -> Store:
        """The store after a Kustomization was applied."""
        added: dict[Key, Held] = {}
        for each in objects:
            if each.data is None:
                key = key_of(each.item)
            elif str(each.data.get("kind") or each.item.kind) in _KEPT:
                key = key_of(with_data(each.item, each.data))
            else:  # most objects
                continue
            if key is not None:
                added[key] = _held(each, owner)
        return Store({**self.held, **added}) if added else self


def store_of(present: Iterable[Present]) -> Store:
    """A store with what something else makes in the cluster."""
    return Store(
        {
            (each.kind, each.namespace, each.name): Held(
                dict.fromkeys(each.keys or ()), each.keys is not None, None, None
            )
            for each in present
        }
    )


def _held(each: ObjectVerdict, owner: tuple[str | None, str] | None) -> Held:
    item = each.item
    if item.kind == "ExternalSecret":
        names = [name for entry in maps(item.data, "spec", "data") if (name := text(entry, "secretKey"))]
        return Held(dict.fromkeys(names), not dig(item.data, "spec", "dataFrom"), owner, item)
    if item.kind == "SealedSecret":
        return Held(dict.fromkeys(pairs(item.data, "spec", "encryptedData")), True, owner, item)
    data = each.data if each.data is not None else item.data
    values: dict[str, str | None] = {}
    for key, value in pairs(data, "data").items():
        values[key] = _decoded(value) if item.kind == "Secret" else _known(value)
    if item.kind == "Secret":
        values |= {key: _known(value) for key, value in pairs(data, "stringData").items()}
    generated = item.generated
    if generated is not None:
        values = {**dict.fromkeys(generated.keys), **values}
    return Held(values, generated is None or generated.complete, owner, item)


def _known(value: str) -> str | None:
    return None if is_unknown(value) or is_ciphertext(value) else value


def _decoded(value: str) -> str | None:
    known = _known(value)
    try:
        if known is None:
            return None
        # Go's decoder skips line breaks, which kustomize puts into long values.
        return b64decode(known.replace("\n", "").replace("\r", ""), validate=True).decode("utf-8")
    except ValueError:  # not base64, or not text
        return None
