"""Commented patches in a new environment's kustomization files: where to say what differs there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.manifests import dig
from fluxsecrets.repo.objects import Object

_FIELDS = {
    ("apps", "Deployment"): ("spec", "replicas"),
    ("apps", "StatefulSet"): ("spec", "replicas"),
    ("postgresql.cnpg.io", "Cluster"): ("spec", "instances"),
}


def with_example(data: bytes, objects: Iterable[Object], source: str, rename: Callable[[str], str]) -> bytes:
    """A kustomization file with a commented patch at its end, for something that it builds."""
    if re.search(rb"(?m)^patches\s*:", data):  # they show it themselves
        return data
    found = next((item for item in objects if _number(item) is not None), None)
    if found is None:
        return data
    newline = "\r\n" if b"\r\n" in data else "\n"
    group, _, _ = found.api_version.rpartition("/")
    path = "/".join(("", *_FIELDS[group, found.kind]))
    lines = (
        f"# Put the differences from {source} into patches, such as:",
        "# patches:",
        f"#   - target: {{kind: {found.kind}, name: {rename(found.name)}}}",
        "#     patch: |",
        "#       - op: replace",
        f"#         path: {path}",
        "#         value: 1",
    )
    text = newline.join((*lines, ""))
    return data + (b"" if data.endswith(b"\n") else newline.encode()) + newline.encode() + text.encode()


def _number(item: Object) -> int | None:
    group, _, _ = item.api_version.rpartition("/")
    field = _FIELDS.get((group, item.kind))
    value = dig(item.data, *field) if field is not None else None
    return value if isinstance(value, int) and item.name.isascii() and item.name.isprintable() else None


def built_objects(environment: Environment) -> dict[str, list[Object]]:
    """By kustomization file: the objects that come through it last, which patches in it would see."""
    found: dict[str, list[Object]] = {}
    for _, item in environment.graph.objects:
        if item.through:
            found.setdefault(item.through[-1], []).append(item)
    return found
