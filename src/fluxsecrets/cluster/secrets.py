"""Secrets of a cluster, stripped of their values. Nothing else sees those."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from fluxsecrets.marks import SIGN_BYTES
from fluxsecrets.repo.manifests import Plain, dig, pairs
from fluxsecrets.repo.secretobject import COPY_SUFFIX
from fluxsecrets.repo.secretrules import decode_base64

from .collecting import name_in
from .hasher import Hasher
from .kinds import SECRET
from .model import ClusterKeys, LiveObject, LiveSecret

_HIDDEN = frozenset({"hidden", "masked", "none", "null", "redacted", "removed", "secret"})
"""Words that stand for a value in a dump. Some of them are base64."""

_COPIED = ('"data"', '"stringData"', "data:", "stringData:")

_PACKED = frozenset({"objectset.rio.cattle.io/applied"})
"""Annotations with a compressed copy of the whole object."""

_SHORTEST_COPY = 12
"""Characters of base64 that are looked for in annotations; shorter ones may be there by chance."""

ReadKeys = Callable[[Mapping[str, bytes | None]], ClusterKeys]
"""Tells what Flux could decrypt with the values of a Secret; None for a value that is hidden."""


def read_secret(data: Plain, hasher: Hasher, read_keys: ReadKeys, *, dumped: bool = False) -> LiveSecret:
    """Return a Secret without its values.

    Args:
        data: as kubectl prints it.
        hasher: makes the hashes.
        read_keys: looks for keys in the values.
        dumped: values may be hidden.

    Raises:
        ClusterError: its name is not one.
    """
    namespace, name = name_in(data)
    values: dict[str, bytes | None] = {}
    digests: dict[str, str | None] = {}
    found = dig(data, "data")
    for key, value in found.items() if isinstance(found, dict) else ():
        values[key] = plain = None if dumped and _is_hidden(value) else _decoded(value)
        digests[key] = hasher.digest(namespace, name, key, plain) if plain is not None else None
    written = [value for value in pairs(data, "data").values() if len(value) >= _SHORTEST_COPY]
    copies = tuple(
        key for key, value in pairs(data, "metadata", "annotations").items() if _is_copy(key, value, written)
    )
    return LiveSecret(
        LiveObject(SECRET, namespace, name, _without_values(data, copies)),
        digests,
        frozenset(key for key, value in values.items() if value is not None and SIGN_BYTES in value),
        copies,
        read_keys(values),
    )


def _is_hidden(value: object) -> bool:
    return not isinstance(value, str) or (value != "" and value.strip("*xX<>[]() ").lower() in {"", *_HIDDEN})


def _decoded(value: object) -> bytes | None:
    return decode_base64(value) if isinstance(value, str) else None


def _is_copy(key: str, value: str, written: Iterable[str]) -> bool:
    """Whether an annotation repeats values of its Secret, as base64 or in a manifest."""
    if key in _PACKED or '"stringData"' in value or any(each in value for each in written):
        return True
    return key.endswith(COPY_SUFFIX) and any(word in value for word in _COPIED)


def _without_values(data: Plain, copies: tuple[str, ...]) -> Plain:
    metadata = dig(data, "metadata")
    kept = dict(metadata) if isinstance(metadata, dict) else {}
    if copies:
        kept["annotations"] = {
            key: value for key, value in pairs(kept, "annotations").items() if key not in copies
        }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": kept,
        **{key: data[key] for key in ("type", "immutable") if key in data},
    }
