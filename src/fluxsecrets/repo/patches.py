"""kustomize's patches: strategic merge and JSON 6902, and which objects they are for.

Follows kustomize's PatchTransformer, and those parts of kyaml's merge2 that matter for references to Secrets:
lists of Kubernetes' own kinds are merged by their keys, those of other kinds are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fluxsecrets.sops.selectors import RegexError, compile_regex

from .manifests import Plain, dig, pairs


class PatchError(ValueError):
    """A patch does not fit its target; the text says why, without values."""


@dataclass(frozen=True, slots=True)
class Target:
    """`target` of a patch: regular expressions for whole names, "" for any; and selectors."""

    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    labels: str = ""
    annotations: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch.

    Attributes:
        file, line: where it stands.
        target: what it is for; None means the objects whose kind and name its documents have.
        merges: documents of a strategic merge patch.
        operations: those of a JSON 6902 patch.
    """

    file: str
    line: int
    target: Target | None
    merges: tuple[Plain, ...] = ()
    operations: tuple[Plain, ...] = ()


def read_target(data: object) -> Target | None:
    """`target`, or None."""
    if not isinstance(data, dict):
        return None
    fields = pairs(data)
    return Target(
        fields.get("group", ""),
        fields.get("version", ""),
        fields.get("kind", ""),
        fields.get("name", ""),
        fields.get("namespace", ""),
        fields.get("labelSelector", ""),
        fields.get("annotationSelector", ""),
    )


def read_patch(documents: list[object], target: Target | None, file: str, line: int) -> Patch:
    """A patch of the YAML documents that it holds.

    Raises:
        PatchError: neither kind of patch.
    """
    filled = [document for document in documents if document is not None]
    if len(filled) == 1 and isinstance(filled[0], list):
        operations = [item for item in filled[0] if isinstance(item, dict)]
        if len(operations) != len(filled[0]) or target is None:
            raise PatchError("a JSON 6902 patch needs a target and operations")
        return Patch(file, line, target, operations=tuple(operations))
    merges = tuple(document for document in filled if isinstance(document, dict))
    if not merges or len(merges) != len(filled):
        raise PatchError("it is neither a strategic merge patch nor a JSON 6902 patch")
    return Patch(file, line, target, merges=merges)


def selects(target: Target, data: Plain, names: tuple[tuple[str | None, str], ...]) -> bool:
    """Whether an object is one of those that a target means.

    Args:
        target: of the patch.
        data: the object.
        names: (namespace, name) of the object, now and before what renamed it.
    """
    group, _, version = str(data.get("apiVersion") or "").rpartition("/")
    if not (
        _fits(target.group, group)
        and _fits(target.version, version)
        and _fits(target.kind, str(data.get("kind") or ""))
    ):
        return False
    if not any(
        _fits(target.name, name) and _fits(target.namespace, namespace or "") for namespace, name in names
    ):
        return False
    return _selected(target.labels, pairs(data, "metadata", "labels")) and _selected(
        target.annotations, pairs(data, "metadata", "annotations")
    )


@lru_cache(maxsize=512)
def _matcher(pattern: str) -> Callable[[str], bool]:
    if re.fullmatch(r"[A-Za-z0-9_/-]*", pattern):
        return pattern.__eq__
    try:
        return compile_regex(f"^(?:{pattern})$").search
    except RegexError:
        return lambda _: False


def _fits(pattern: str, value: str) -> bool:
    return not pattern or _matcher(pattern)(value)


_REQUIREMENT = re.compile(
    r"\s*(?:(?P<not>!)\s*(?P<absent>[\w./-]+)"
    r"|(?P<key>[\w./-]+)\s*(?:(?P<operator>==?|!=)\s*(?P<value>[\w.-]*)"
    r"|\s(?P<set>in|notin)\s*\((?P<values>[^)]*)\))?)\s*(?:,|$)"
)


def _selected(selector: str, labels: dict[str, str]) -> bool:
    position = 0
    while position < len(selector):
        match = _REQUIREMENT.match(selector, position)
        if match is None or match.end() == position:
            return False
        position = match.end()
        if match["absent"]:
            fits = match["absent"] not in labels
        elif match["operator"]:
            fits = (labels.get(match["key"]) == match["value"]) is (match["operator"] != "!=")
        elif match["set"]:
            values = [value.strip() for value in match["values"].split(",")]
            fits = (labels.get(match["key"]) in values) is (match["set"] == "in")
        else:
            fits = match["key"] in labels
        if not fits:
            return False
    return True


def apply(patch: Patch, data: Plain, names: tuple[tuple[str | None, str], ...]) -> Plain | None:
    """An object after a patch: itself where the patch is not for it, None where it deletes it.

    Raises:
        PatchError: a JSON 6902 operation does not fit.
    """
    if patch.target is not None and not selects(patch.target, data, names):
        return data
    if patch.operations:
        return _operate(data, patch.operations)
    for merge in patch.merges:
        if patch.target is None and not _is_for(merge, data, names):
            continue
        merged = _merge(data, merge, "", by_key=_is_kubernetes(data))
        if merged is _DELETED:
            return None
        data = _keep_identity(merged, data)
    return data


def _is_for(merge: Plain, data: Plain, names: tuple[tuple[str | None, str], ...]) -> bool:
    """Whether a merge patch without a target means an object, by group, kind and name."""
    wanted, own = str(merge.get("apiVersion") or ""), str(data.get("apiVersion") or "")
    if merge.get("kind") != data.get("kind") or wanted.rpartition("/")[0] != own.rpartition("/")[0]:
        return False
    name, namespace = dig(merge, "metadata", "name"), dig(merge, "metadata", "namespace")
    return any(name == its_name and namespace in (None, its_namespace) for its_namespace, its_name in names)


def _keep_identity(changed: Plain, before: Plain) -> Plain:
    """A patch with a target may have any name, such as `_`: it does not rename."""
    metadata, own = changed.get("metadata"), before.get("metadata")
    kept: Plain = {**changed, **{key: before[key] for key in _KIND if key in before}}
    if isinstance(metadata, dict):
        identity = {key: own[key] for key in _NAME if key in own} if isinstance(own, dict) else {}
        rest = {key: value for key, value in metadata.items() if key not in _NAME}
        kept["metadata"] = {**identity, **rest}
    return kept


_KIND = ("apiVersion", "kind")
_NAME = ("name", "namespace")


# Strategic merge.

_DELETED: Any = object()

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


def _is_kubernetes(data: Plain) -> bool:
    group = str(data.get("apiVersion") or "").rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def _merge(base: Any, patch: Any, field: str, *, by_key: bool) -> Any:
    if isinstance(patch, dict):
        directive = patch.get("$patch")
        if directive == "delete":
            return _DELETED
        known = base if isinstance(base, dict) and directive != "replace" else {}
        merged = dict(known)
        for key, value in patch.items():
            if key.startswith("$"):
                continue
            new = None if value is None else _merge(known.get(key), value, key, by_key=by_key)
            if new is None or new is _DELETED:
                merged.pop(key, None)
            else:
                merged[key] = new
        return merged
    if isinstance(patch, list):
        key = _MERGE_KEYS.get(field) if by_key else None
        keyed = key is not None and all(isinstance(item, dict) for item in patch)
        if not isinstance(base, list) or not keyed or key is None:
            return [_merge(None, item, "", by_key=by_key) for item in patch]
        return _merge_items(base, patch, key)
    return patch


def _merge_items(base: list[Any], patch: list[Plain], key: str) -> list[Any]:
    if any(item.get("$patch") == "replace" and key not in item for item in patch):
        return [item for item in patch if "$patch" not in item]
    merged = list(base)
    for item in patch:
        same = [index for index, old in enumerate(merged) if dig(old, key) == item.get(key) is not None]
        new = _merge(merged[same[0]] if same else None, item, "", by_key=True)
        if same:
            merged[same[0] : same[0] + 1] = [] if new is _DELETED else [new]
        elif new is not _DELETED:
            merged.append(new)
    return merged


# JSON 6902.


def _operate(data: Plain, operations: tuple[Plain, ...]) -> Plain:
    # Few repositories have such patches.
    from jsonpatch import InvalidJsonPatch, JsonPatch, JsonPatchException, JsonPatchTestFailed
    from jsonpointer import JsonPointerException

    # A missing value is null for Go's decoder (evanphx/json-patch, which kustomize uses).
    filled = [{"value": None, **operation} for operation in operations]
    try:
        changed = JsonPatch(filled).apply(data)
    except JsonPatchTestFailed:
        problem = "a test operation fails"
    except InvalidJsonPatch:
        problem = "an operation is malformed, or none of add, remove, replace, move, copy and test"
    except (JsonPatchException, JsonPointerException, TypeError):
        problem = "an operation's path leads nowhere"
    else:
        return changed if isinstance(changed, dict) else data
    raise PatchError(problem)  # outside of the handlers: the library's errors quote values
