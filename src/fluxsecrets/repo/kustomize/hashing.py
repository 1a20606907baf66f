"""The hash at the end of a generated object's name.

Follows kustomize's api/hasher and HashTransformer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from fluxsecrets.repo.manifests import Plain, dig
from fluxsecrets.repo.objects import Object, with_metadata
from fluxsecrets.repo.unknown import is_unknown

from .naming import with_references


def with_hashes(objects: Sequence[Object]) -> list[Object]:
    """The objects of a build with the names that kustomize gives them in the end, in their data.

    The hash is one of the contents: where one of them is not known, the name is left without it.
    `Object.name` never has the hash: it is what people call the object, and what findings are told apart by.
    """
    hashed = [_with_hash(item) for item in objects]
    if all(new is old for new, old in zip(hashed, objects, strict=True)):
        return list(objects)
    final, _ = with_references(hashed)
    return [
        replace(new, name=old.name, names=old.names) if new.name != old.name else new
        for new, old in zip(final, objects, strict=True)
    ]


def hash_suffix(data: Plain) -> str:
    """The hash of a Secret or ConfigMap."""
    kind = data.get("kind")
    # The hasher looks for a field that is called `metadata/name`, and finds none.
    hashed: Plain = {"kind": kind, "name": "", "data": _part(data, "data")}
    more = "stringData" if kind == "Secret" else "binaryData"
    if kind == "Secret":
        hashed["type"] = _part(data, "type")
    if isinstance(data.get(more), dict):
        hashed[more] = data[more]
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return hashlib.sha256(text.encode()).hexdigest()[:10].translate(_READABLE)


# Go's encoder escapes what HTML and JavaScript would trip over.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_READABLE = str.maketrans("013ae", "ghkmt")
"""Digits and letters that could make words are others."""


def _with_hash(item: Object) -> Object:
    if item.generated is None or not item.generated.hashed or not _is_known(item):
        return item
    return with_metadata(item, name=f"{item.name}-{hash_suffix(item.data)}")


def _is_known(item: Object) -> bool:
    values = [dig(item.data, field) for field in ("data", "binaryData", "stringData")]
    return not any(is_unknown(value) for each in values if isinstance(each, dict) for value in each.values())


def _part(data: Plain, key: str) -> object:
    found = data.get(key)
    return "" if found is None else found
