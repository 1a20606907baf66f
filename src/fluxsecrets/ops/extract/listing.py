"""Kustomization files that list a manifest list its Secret, too; their layout and comments stay."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.marks import is_kustomization
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.repo.kustomize.reading import load_kustomization
from fluxsecrets.repo.manifests import items_of, text_of
from fluxsecrets.repo.tree import Tree, parent
from fluxsecrets.sops.document import find
from fluxsecrets.sops.formats.changing import append_texts
from fluxsecrets.sops.formats.yaml import YamlFormat

from .applied import grouped

RESOURCES = "resources"


def listing(listed: Listed, manifest: str, new: str) -> tuple[str, ...]:
    """Return the kustomization files that name a manifest, and not yet a new file.

    Args:
        listed: what the kustomization files name; see `listed_in`.
        manifest: path of the manifest, relative to the root.
        new: likewise of the new file.
    """
    there = listed.get(new, ())
    return tuple(path for path in listed.get(manifest, ()) if path not in there)


def list_beside(workspace: Workspace, added: Mapping[str, Sequence[str]]) -> None:
    """Add new files to the `resources` of kustomization files.

    Args:
        workspace: takes the new contents.
        added: the new files of each kustomization file.

    Raises:
        FormatError: one can't be changed without touching anything else.
    """
    for path, new in added.items():
        data = workspace.read(path)
        workspace.write(path, _with_resources(data, path, new, workspace.tree), old=data)


Listed = Mapping[str, tuple[str, ...]]
"""The kustomization files that name a file under `resources` or `patches`, by the file's path."""


def listed_in(tree: Tree, manifest: str | None = None) -> Listed:
    """Return what the kustomization files of a tree name.

    Args:
        tree: the repository.
        manifest: only of those that name this file. Others are not parsed, which takes most of the time.
    """
    name = b"" if manifest is None else manifest.rpartition("/")[2].encode()
    return grouped(
        (named, path)
        for path in filter(is_kustomization, tree.paths)
        for named in dict.fromkeys(_named_in(tree, path, name))
    )


def _named_in(tree: Tree, path: str, name: bytes) -> Iterator[str]:
    try:
        file = load_kustomization(tree, path) if name in tree.read(path) else None
    except FluxsecretsError:
        return  # Flux can't read it either
    if file is not None:
        patches = (edit.path for edit in file.edits if edit.path is not None)
        yield from (reference.path for reference in (*file.resources, *patches))


def _with_resources(data: bytes, path: str, new: Iterable[str], tree: Tree) -> bytes:
    format_ = YamlFormat()
    document = format_.parse(data, tree.limits)
    if document.metadata is not None:
        raise FormatError("the kustomization file is encrypted, and kustomize can't read it", path=path)
    listed = find(document.parts[0], (RESOURCES,))
    items = [text_of(item) or "" for item in items_of(listed)]
    dotted = bool(items) and all(item.startswith(("./", "../")) for item in items)
    entries = [posixpath.relpath(each, parent(path) or ".") for each in new]
    texts = [f"./{entry}" if dotted and not entry.startswith("../") else entry for entry in entries]
    return append_texts(format_, document, (RESOURCES,), texts, tree.limits)
