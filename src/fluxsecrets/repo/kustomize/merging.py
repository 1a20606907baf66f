"""Strategic merge: a patch in the form of a part of an object.

Follows those parts of kyaml's merge2 that matter for references to Secrets: lists of Kubernetes' own kinds
are merged by their keys, those of other kinds are replaced.
"""

from __future__ import annotations

from fluxsecrets.repo.manifests import Plain, dig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class MergeError(ValueError):
    """A patch that does not fit what it is put over; the text says why in kustomize's words."""


DELETED: Any = object()
"""What a merge leaves of something that it deletes."""

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "secrets": "name",
    "hostAliases": "ip",
}
"""By field, what identifies an item in lists of Kubernetes' own kinds, of those that lead to Secrets."""


def is_kubernetes(data: Plain) -> bool:
    """Whether an object is of one of Kubernetes' own kinds."""
    group = str(data.get("apiVersion") or "").rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def merge(base: Any, patch: Any, field: str, *, by_key: bool) -> Any:
    """A value after a patch.

    Args:
        base: the value, or None.
        patch: what is put over it.
        field: the key that it is under.
        by_key: lists are merged by the keys of their items, as in Kubernetes' own kinds.

    Raises:
        MergeError: one is a map, a list or a single value, and the other is not.
    """
    if base is not None and patch is not None and _kind(base) != _kind(patch):
        raise MergeError(f"wrong node kind: expected {_kind(base)} but got {_kind(patch)}")
    if isinstance(patch, dict):
        directive = patch.get("$patch")
        if directive == "delete":
            return DELETED
        known = base if isinstance(base, dict) and directive != "replace" else {}
        merged = dict(known)
        for key, value in patch.items():
            if key.startswith("$"):
                continue
            new = None if value is None else merge(known.get(key), value, key, by_key=by_key)
            if new is None or new is DELETED:
                merged.pop(key, None)
            else:
                merged[key] = new
        return merged
    if isinstance(patch, list):
        key = _MERGE_KEYS.get(field) if by_key else None
        keyed = key is not None and all(isinstance(item, dict) for item in patch)
        if not isinstance(base, list) or not keyed or key is None:
            return patch
        return _merge_items(base, patch, key)
    return patch


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "MappingNode"
    return "SequenceNode" if isinstance(value, list) else "ScalarNode"


def _merge_items(base: list[Any], patch: list[Plain], key: str) -> list[Any]:
    if any(item.get("$patch") == "replace" and key not in item for item in patch):
        return [item for item in patch if "$patch" not in item]
    merged = list(base)
    for item in patch:
        same = [index for index, old in enumerate(merged) if dig(old, key) == item.get(key) is not None]
        new = merge(merged[same[0]] if same else None, item, "", by_key=True)
        if same:
            merged[same[0] : same[0] + 1] = [] if new is DELETED else [new]
        elif new is not DELETED:
            merged.append(new)
    return merged
