"""Kustomization files that list a manifest list its Secret, too; their layout and comments stay."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.marks import is_kustomization
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.repo.kustomize.kustomizationfile import KustomizationFile
from fluxsecrets.repo.kustomize.reading import load_kustomization
from fluxsecrets.repo.manifests import items_of, text_of
from fluxsecrets.repo.tree import Tree, parent
from fluxsecrets.sops.document import find
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.formats.yaml import YamlFormat

RESOURCES = "resources"


def list_beside(workspace: Workspace, manifest: str, new: str) -> tuple[str, ...]:
    """Add a new file to the `resources` of each kustomization file that names a manifest.

    Args:
        workspace: takes the new contents.
        manifest: path of the manifest, relative to the root.
        new: likewise of the new file.

    Returns:
        The kustomization files that changed.

    Raises:
        FormatError: one can't be changed without touching anything else.
    """
    changed = []
    for path in _naming(workspace.tree, manifest, new):
        data = workspace.read(path)
        workspace.write(path, _with_resource(data, path, new, workspace.tree), old=data)
        changed.append(path)
    return tuple(changed)


def _naming(tree: Tree, manifest: str, new: str) -> Iterator[str]:
    """The kustomization files that name a file under `resources` or `patches`, and not yet the new one."""
    name = manifest.rpartition("/")[2].encode()
    for path in filter(is_kustomization, tree.paths):
        try:
            file = load_kustomization(tree, path) if name in tree.read(path) else None
            if file is not None and _names(file, manifest) and not _names(file, new):
                yield path
        except FluxsecretsError:
            continue  # Flux can't read it either


def _names(file: KustomizationFile, manifest: str) -> bool:
    patches = (edit.path for edit in file.edits if edit.path is not None)
    return any(reference.path == manifest for reference in (*file.resources, *patches))


def _with_resource(data: bytes, path: str, new: str, tree: Tree) -> bytes:
    format_ = YamlFormat()
    document = format_.parse(data, tree.limits)
    if document.metadata is not None:
        raise FormatError("the kustomization file is encrypted, and kustomize can't read it", path=path)
    listed = find(document.parts[0], (RESOURCES,))
    items = [text_of(item) or "" for item in items_of(listed)]
    entry = posixpath.relpath(new, parent(path) or ".")
    if items and all(item.startswith(("./", "../")) for item in items) and not entry.startswith("../"):
        entry = f"./{entry}"
    return set_value(format_, document, (RESOURCES, len(items)), entry, tree.limits)
