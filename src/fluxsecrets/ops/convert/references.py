"""Rename files in the kustomization files that list them. Their layout stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import is_kustomization
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.repo.kustomize.entrypaths import is_remote
from fluxsecrets.repo.manifests import read_documents
from fluxsecrets.repo.tree import Tree, normalise, parent
from fluxsecrets.sops.document import Entry, Leaf, Node, Sequence
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import apply_edits, decode_text, encode_text


def rename_references(
    workspace: Workspace, renames: Mapping[str, str], shown: Callable[[str], str]
) -> tuple[str, ...]:
    """Update kustomization files for files that get another name in the same folder.

    The renames are new paths by old ones.

    Returns:
        One line for each change, for people.
    """
    notes = []
    names = {old.rpartition("/")[2].encode() for old in renames}
    for path in filter(is_kustomization, workspace.tree.paths):
        try:
            data = workspace.read(path)
            if not any(name in data for name in names):
                continue
            edits = list(_edits(workspace.tree, path, data, renames))
        except FluxsecretsError:
            continue  # Flux can't read it either
        if edits:
            text, bom = decode_text(data, workspace.tree.limits, "YAML")
            new = apply_edits(text, [(start, end, name) for start, end, name, _ in edits])
            workspace.write(path, encode_text(new, bom=bom), old=data)
            notes += [f"{shown(path)}: {old} becomes {name}" for _, _, name, old in edits]
    return tuple(notes)


def _edits(
    tree: Tree, path: str, data: bytes, renames: Mapping[str, str]
) -> Iterator[tuple[int, int, str, str]]:
    """Yield the span of a name, its new name, and the old one."""
    text, _ = decode_text(data, tree.limits, "YAML")
    folder = parent(path)
    for leaf in (leaf for node in read_documents(data, path, tree.limits) for leaf in _leaves(node)):
        value = leaf.value
        if not isinstance(value, str) or "\n" in value or is_remote(value):
            continue
        # `files:` of generators has `key=path`
        for candidate in (value, value.partition("=")[2]):
            place = normalise(candidate, folder) if candidate else None
            place = tree.locate(place) or place if place is not None else None
            if place not in renames or place is None:
                continue
            old, new = place.rpartition("/")[2], renames[place].rpartition("/")[2]
            start = text.rfind(old, leaf.start, leaf.end)
            if start >= 0:
                yield start, start + len(old), new, old
            break


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        if not node.alias:
            yield node
        return
    for item in node.entries if isinstance(node, MapNode) else node.items:
        inner = item.value if isinstance(item, Entry) else item
        if isinstance(inner, Leaf | MapNode | Sequence):
            yield from _leaves(inner)
