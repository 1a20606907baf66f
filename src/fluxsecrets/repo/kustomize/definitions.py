"""CustomResourceDefinitions, which are read without their `spec`, and whole where a patch may change it."""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.manifests import line_of, read_documents
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.document import Node, find, to_data

from .patches import Patch, PatchError, is_for, selects

_KIND = "CustomResourceDefinition"
_HEADERS = frozenset({"apiVersion", "kind", "metadata"})


def whole_where_patched(tree: Tree, patch: Patch, objects: Sequence[Object]) -> list[Object]:
    """The objects, in which definitions have their `spec` if a patch may look at it or change it.

    Args:
        tree: the files that reach Flux.
        patch: to apply.
        objects: all there are.
    """
    if not _reaches_spec(patch):
        return list(objects)
    read: dict[str, dict[int | None, Node]] = {}
    return [_whole(tree, item, read) if _is_cut(item) and _means(patch, item) else item for item in objects]


def _is_cut(item: Object) -> bool:
    return item.kind == _KIND and item.manifest is not None and "spec" not in item.data


def _reaches_spec(patch: Patch) -> bool:
    """Whether it does anything outside the metadata."""
    if any(not str(each.get("path", "")).startswith("/metadata") for each in patch.operations):
        return True
    return any(not _HEADERS.issuperset(merge) for merge in patch.merges)


def _means(patch: Patch, item: Object) -> bool:
    try:
        if patch.target is not None:
            return selects(patch.target, item.data, item.all_names)
    except PatchError:
        return False  # the patch itself is refused
    return any(is_for(merge, item.data, item.all_names) for merge in patch.merges)


def _whole(tree: Tree, item: Object, read: dict[str, dict[int | None, Node]]) -> Object:
    """The object with the `spec` and `status` of its file."""
    if item.file not in read:
        try:
            documents = read_documents(tree.read(item.file), item.file, tree.limits)
        except FluxsecretsError:  # it was read before, without these
            documents = ()
        read[item.file] = {line_of(node): node for node in documents}
    node = read[item.file].get(item.line)
    parts = {key: find(node, (key,)) for key in ("spec", "status")} if node is not None else {}
    return with_data(
        item, {**item.data, **{key: to_data(part) for key, part in parts.items() if part is not None}}
    )
