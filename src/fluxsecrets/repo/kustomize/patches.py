"""kustomize's patches: strategic merge and JSON 6902, and which objects they are for.

Follows kustomize's PatchTransformer, and those parts of kyaml's merge2 that matter for references to Secrets:
lists of Kubernetes' own kinds are merged by their keys, those of other kinds are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from fluxsecrets.records import dataclass
from fluxsecrets.repo.manifests import Plain, dig, pairs
from fluxsecrets.repo.objects import Name
from fluxsecrets.sops.selectors import RegexError, compile_regex

from . import merging
from .identity import effective_namespace

Names = tuple[Name, ...]


class PatchError(ValueError):
    """A patch does not fit its target; the text says why, without values."""


class PatchLimitError(PatchError):
    """What a patch makes is not followed; kustomize may take it."""


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
        renames, changes_kind: `options` that let a strategic merge patch set the name and the kind.
    """

    file: str
    line: int
    target: Target | None
    merges: tuple[Plain, ...] = ()
    operations: tuple[Plain, ...] = ()
    renames: bool = False
    changes_kind: bool = False


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


def read_patch(
    documents: list[object],
    target: Target | None,
    file: str,
    line: int,
    *,
    renames: bool = False,
    changes_kind: bool = False,
) -> Patch | None:
    """A patch of the YAML documents that it holds; None where they are empty, which kustomize ignores.

    Args:
        documents: as plain data.
        target: what it is for, or None.
        file: where it is.
        line: likewise.
        renames: `options` let it set the name.
        changes_kind: `options` let it set the kind.

    Raises:
        PatchError: neither kind of patch, or without the target that it needs.
    """
    filled = [document for document in documents if document is not None and document not in ({}, [])]
    if not filled:
        return None
    if len(filled) == 1 and isinstance(filled[0], list):
        operations = [item for item in filled[0] if isinstance(item, dict)]
        if len(operations) != len(filled[0]):
            raise PatchError("unable to parse SM or JSON patch")
        if target is None:
            raise PatchError("must specify a target for JSON patch")
        return Patch(file, line, target, operations=tuple(operations))
    merges = tuple(document for document in filled if isinstance(document, dict))
    if len(merges) != len(filled) or not all(map(_is_object, merges)):
        raise PatchError("unable to parse SM or JSON patch")
    if target is not None and len(merges) > 1:
        raise PatchError(
            "Multiple Strategic-Merge Patches in one `patches` entry is not allowed"
            " to set `patches.target` field"
        )
    return Patch(file, line, target, merges=merges, renames=renames, changes_kind=changes_kind)


def check_json(text: str) -> None:
    """Refuse the text of a patch that starts as a list of JSON and is none (`jsonPatchFromBytes`).

    kustomize reads other texts as YAML; a list in the flow style of YAML, with bare words, is neither.

    Raises:
        PatchError: it is not JSON.
    """
    if not text.startswith("["):
        return
    import json  # few patches are JSON

    try:
        json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise PatchError(
            "unable to parse SM or JSON patch: a text that starts with `[` must be JSON"
        ) from None


def _no_number(name: str) -> None:
    raise ValueError(name)


def _is_object(merge: Plain) -> bool:
    """Whether kustomize takes a document for an object: it has a kind and a name."""
    return bool(merge.get("kind")) and bool(dig(merge, "metadata", "name"))


def selects(target: Target, data: Plain, names: Names) -> bool:
    """Whether an object is one of those that the target of a patch selects (`Select` in api/resmap).

    Args:
        target: of the patch.
        data: the object.
        names: (namespace, name) of the object, the current ones first, then the first ones.

    Raises:
        PatchError: a pattern of the target is not valid.
    """
    ends = (names[0], names[min(1, len(names) - 1)])
    if not any(_fits(target.namespace, _effective(data, namespace)) for namespace, _ in ends):
        return False
    if not any(_fits(target.name, name) for _, name in ends):
        return False
    return _has_kind(target, data) and _has_labels(target, data)


def selects_for_replacement(target: Target, data: Plain, names: Names, *, rejects: bool = False) -> bool:
    """The same for a target of a replacement, which any of an object's names will do for.

    Args:
        target: `select` or an entry of `reject`.
        data: the object.
        names: (namespace, name) of the object.
        rejects: it is an entry of `reject`.

    Raises:
        PatchError: a pattern is not valid.
    """
    has_names = any((target.group, target.version, target.kind, target.name, target.namespace))
    has_labels = bool(target.labels or target.annotations)
    if rejects and not (has_names or has_labels):
        return False
    if rejects and has_labels and _has_labels(target, data):
        return True  # kustomize rejects by labels and by names on their own
    if rejects and not has_names:
        return False
    named = _has_kind(target, data) and any(
        _fits(target.name, name) and _fits(target.namespace, namespace or "") for namespace, name in names
    )
    return named and (rejects or _has_labels(target, data))


def is_source(target: Target, data: Plain, names: Names) -> bool:
    """Whether an object is the source of a replacement: by equality, without patterns (`IsSelectedBy`)."""
    group, _, version = str(data.get("apiVersion") or "").rpartition("/")
    return (
        target.group in ("", group)
        and target.version in ("", version)
        and target.kind in ("", data.get("kind"))
        and any(
            target.name in ("", name)
            and (not target.namespace or _effective(data, target.namespace) == _effective(data, namespace))
            for namespace, name in names
        )
    )


def _effective(data: Plain, namespace: str | None) -> str:
    return effective_namespace(str(data.get("apiVersion") or ""), str(data.get("kind") or ""), namespace)


def _has_kind(target: Target, data: Plain) -> bool:
    group, _, version = str(data.get("apiVersion") or "").rpartition("/")
    kind = str(data.get("kind") or "")
    return _fits(target.group, group) and _fits(target.version, version) and _fits(target.kind, kind)


def _has_labels(target: Target, data: Plain) -> bool:
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
        raise PatchError("error parsing regexp of a target") from None


def _fits(pattern: str, value: str) -> bool:
    return not pattern or _matcher(pattern)(value)


_REQUIREMENT = re.compile(
    r"\s*(?:(?P<not>!)\s*(?P<absent>[\w./-]+)"
    r"|(?P<key>[\w./-]+)\s*(?:(?P<operator>==?|!=)\s*(?P<value>[\w.-]*)"
    r"|(?P<order>[<>])\s*(?P<bound>\d+)"
    r"|\s(?P<set>in|notin)\s*\((?P<values>[^)]*)\))?)\s*(?:,|$)"
)


def _selected(selector: str, labels: dict[str, str]) -> bool:
    position = 0
    while position < len(selector):
        match = _REQUIREMENT.match(selector, position)
        if match is None or match.end() == position:
            raise PatchError("unable to parse requirement of a selector")
        position = match.end()
        if match["absent"]:
            fits = match["absent"] not in labels
        elif match["operator"]:
            fits = (labels.get(match["key"]) == match["value"]) is (match["operator"] != "!=")
        elif match["order"]:
            label = labels.get(match["key"], "")
            fits = label.isdigit() and (int(label) > int(match["bound"])) is (match["order"] == ">")
            fits = fits and int(label) != int(match["bound"])
        elif match["set"]:
            values = [value.strip() for value in match["values"].split(",")]
            fits = (labels.get(match["key"]) in values) is (match["set"] == "in")
        else:
            fits = match["key"] in labels
        if not fits:
            return False
    return True


def apply(patch: Patch, data: Plain, names: Names) -> Plain | None:
    """An object after a patch: itself where the patch is not for it, None where it deletes it.

    Raises:
        PatchError: a JSON 6902 operation does not fit, or a pattern of the target is not valid.
    """
    if patch.target is not None and not selects(patch.target, data, names):
        return data
    if patch.operations:
        return _operate(data, patch.operations)
    for merge in patch.merges:
        if patch.target is not None or is_for(merge, data, names):
            changed = merge_into(patch, merge, data)
            if changed is None:
                return None
            data = changed
    return data


def merge_into(patch: Patch, merge: Plain, data: Plain) -> Plain | None:
    """An object after one document of a strategic merge patch that is for it; None where that deletes it.

    Raises:
        PatchError: it does not fit.
    """
    try:
        merged = merging.merge(data, merge, "", by_key=merging.is_kubernetes(data))
    except merging.MergeError as error:
        raise PatchError(str(error)) from None
    return None if merged is merging.DELETED else _keep_identity(patch, merged, data)


def is_for(merge: Plain, data: Plain, names: Names) -> bool:
    """Whether a merge patch without a target means an object: it has the same identity, now or before."""
    if merge.get("kind") != data.get("kind") or merge.get("apiVersion") != data.get("apiVersion"):
        return False
    name = str(dig(merge, "metadata", "name"))
    named = [namespace for namespace, its_name in names if its_name == name]
    if not named:
        return False
    wanted = _effective(data, dig(merge, "metadata", "namespace"))
    return any(wanted == _effective(data, namespace) for namespace in named)


def _keep_identity(patch: Patch, changed: Plain, before: Plain) -> Plain:
    """A patch with a target may have any name, such as `_`: it renames only where `options` say so."""
    kinds = ("apiVersion",) if patch.changes_kind else _KIND
    kept_names = ("namespace",) if patch.renames else _NAME
    metadata, own = changed.get("metadata"), before.get("metadata")
    kept: Plain = {**changed, **{key: before[key] for key in kinds if key in before}}
    if isinstance(metadata, dict):
        identity = {key: own[key] for key in kept_names if key in own} if isinstance(own, dict) else {}
        rest = {key: value for key, value in metadata.items() if key not in kept_names}
        kept["metadata"] = {**identity, **rest}
    return kept


_KIND = ("apiVersion", "kind")
_NAME = ("name", "namespace")


# JSON 6902.


def _operate(data: Plain, operations: tuple[Plain, ...]) -> Plain:
    from .jsonpatch import OperationError, TooLargeError, operate  # few repositories have such patches

    metadata = data.get("metadata")
    # kustomize keeps notes of its own in the annotations meanwhile, so that a patch always finds them
    # (`StorePreviousId` in api/resource).
    bare = isinstance(metadata, dict) and metadata.get("annotations") is None
    given = (
        {**data, "metadata": {**metadata, "annotations": {}}} if isinstance(metadata, dict) and bare else data
    )
    try:
        changed = operate(given, operations)
    except TooLargeError as error:
        raise PatchLimitError(str(error)) from None
    except OperationError as error:
        raise PatchError(str(error)) from None
    if not isinstance(changed, dict):
        raise PatchError("the patch leaves no object")
    if bare and dig(changed, "metadata", "annotations") == {}:
        del changed["metadata"]["annotations"]
    return changed
