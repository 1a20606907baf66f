"""Keys that kustomize adds to objects, which are not always texts.

kustomize adds the keys of labels, annotations and generators, and those that a replacement creates, without
quotes to its tree of YAML. A key such as `1` or `true` is a number or a boolean there, however the
kustomization file writes it, and kustomize or Flux stops when it prints the object as JSON. A key that the
object has in quotes already stays one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fluxsecrets.repo.manifests import dig
from fluxsecrets.repo.objects import Object
from fluxsecrets.sops.formats.yaml.scalars import ScalarError, resolve_plain

REASON = "json: unsupported type: map[interface {}]interface {}"
"""What kustomize says then, without the map."""

HINT = "kustomize makes no text of this key, quoted or not: use another one"


def not_text(key: str) -> bool:
    """Whether YAML reads a key without quotes as something else than a text."""
    try:
        return key == "<<" or not isinstance(resolve_plain(key), str)
    except ScalarError:
        return True


def added_keys(before: Iterable[Object], after: Iterable[Object]) -> Iterator[tuple[Object, str]]:
    """The objects that got such a key, with the key.

    Args:
        before: objects.
        after: the same objects, changed.
    """
    for old, new in zip(before, after, strict=True):
        for key in _added(old.data, new.data):
            yield new, key


def generated_keys(made: Object) -> Iterator[str]:
    """Such keys of what a generator makes."""
    for steps in (("data",), ("binaryData",), ("metadata", "labels"), ("metadata", "annotations")):
        found = dig(made.data, *steps)
        yield from filter(not_text, found if isinstance(found, dict) else ())


def _added(before: Any, after: Any) -> Iterator[str]:
    if before is after:
        return
    if isinstance(after, dict):
        known: Mapping[str, Any] = before if isinstance(before, dict) else {}
        for key, value in after.items():
            if key not in known and not_text(key):
                yield key
            yield from _added(known.get(key), value)
    elif isinstance(after, list):
        others = before if isinstance(before, list) else []
        for place, value in enumerate(after):
            yield from _added(others[place] if place < len(others) else None, value)
