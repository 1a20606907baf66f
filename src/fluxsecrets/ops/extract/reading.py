"""Objects with references replaced by what they read: what a container gets, wherever it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fluxsecrets.repo.helmvalues import Resolve, ValuesReference
from fluxsecrets.repo.manifests import Plain, dig, maps, text, with_value

from .places.podenv import CONTAINERS, POD_SPECS, expanded

_REFERENCES = {"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"}


Whole = Callable[[str, str], Mapping[str, str] | None]
"""What a Secret or ConfigMap holds, by kind and name; None if some of it is unknown."""


def as_read(data: Plain, resolve: Resolve, whole: Whole) -> Plain:
    """Return an object with what its containers' variables hold in place of their references.

    Args:
        data: the object as it is applied.
        resolve: what a key of a Secret or ConfigMap holds, or None if that is unknown.
        whole: all of what it holds.
    """
    spec = POD_SPECS.get(text(data, "kind") or "")
    if spec is None:
        return data
    for kind in CONTAINERS:
        containers = dig(data, *map(str, spec), kind)
        for position, container in enumerate(containers if isinstance(containers, list) else ()):
            if maps(container, "env"):
                read = [_variable(each, resolve) for each in container["env"]]
                data = with_value(data, (*spec, kind, position, "env"), read)
            if maps(container, "envFrom"):
                taken = _together(container["envFrom"], whole)
                data = with_value(data, (*spec, kind, position, "envFrom"), taken)
    return data


def _variable(item: Any, resolve: Resolve) -> Any:
    """A variable as its container gets it, if that is known."""
    if not isinstance(item, dict):
        return item
    value, source = item.get("value"), item.get("valueFrom")
    if isinstance(value, str) and source is None:
        got = expanded(value)
        return item if got is None else {"name": item.get("name"), "gets": got}
    for field, kind in _REFERENCES.items():
        name, key = text(source, field, "name"), text(source, field, "key")
        if name is not None and key is not None and value is None:
            found = resolve(ValuesReference(kind, name, key))
            return item if found is None else {"name": item.get("name"), "gets": found}
    return item


def _together(items: Iterable[Any], whole: Whole) -> list[Any]:
    """The entries of `envFrom`: known variables of neighbours become one map, in which the last counts."""
    found: list[Any] = []
    for item in items:
        known = _all(item, whole)
        if known is None:
            found.append(item)
        elif found and isinstance(found[-1], _Variables):
            found[-1] = _Variables({**found[-1], **known})
        else:
            found.append(_Variables(known))
    return found


class _Variables(dict[str, str]):
    """Variables by their names, which are known."""


def _all(item: Any, whole: Whole) -> dict[str, str] | None:
    for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
        name = text(item, field, "name")
        if name is not None:
            known, prefix = whole(kind, name), text(item, "prefix") or ""
            return None if known is None else {f"{prefix}{key}": value for key, value in known.items()}
    return None
