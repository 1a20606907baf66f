"""CustomResourceDefinitions, which are read without their `spec`, and whole where a patch may change it."""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.manifests import line_of, read_documents
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.document import Node, find, to_data

from .called import Called
from .patches import Patch, PatchError, selects

_KIND = "CustomResourceDefinition"
_HEADERS = frozenset({"apiVersion", "kind", "metadata"})

_Read = dict[str, dict[int | None, Node]]
"""The documents of files that were read, by path and line."""


def whole_where_patched(tree: Tree, patch: Patch, objects: Sequence[Object]) -> list[Object]:
    """The objects, in which definitions have their `spec` where a patch with a target may reach it.

    Args:
        tree: the files that reach Flux.
        patch: to apply.
        objects: all there are.
    """
    if not _reaches_spec(patch):
        return list(objects)
    read: _Read = {}
    return [_whole(tree, item, read) if _is_cut(item) and _selects(patch, item) else item for item in objects]


def make_whole_where_named(tree: Tree, patch: Patch, objects: Called) -> None:
    """Give definitions their `spec` where a patch without a target may reach it.

    Args:
        tree: the files that reach Flux.
        patch: to apply.
        objects: all there are; they are changed.
    """
    if not _reaches_spec(patch):
        return
    read: _Read = {}
    for merge in patch.merges:
        for place, item in objects.meant(merge):
            if _is_cut(item):
                objects.put(place, _whole(tree, item, read))


def _is_cut(item: Object) -> bool:
    return item.kind == _KIND and item.manifest is not None and "spec" not in item.data


def _reaches_spec(patch: Patch) -> bool:
    """Whether it does anything outside the metadata."""
    if any(not str(each.get("path", "")).startswith("/metadata") for each in patch.operations):
        return True
    return any(not _HEADERS.issuperset(merge) for merge in patch.merges)


def _selects(patch: Patch, item: Object) -> bool:
    try:
        return patch.target is not None and selects(patch.target, item.data, item.all_names)
    except PatchError:
        return False  # the patch itself is refused


def _whole(tree: Tree, item: Object, read: _Read) -> Object:
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
