"""Where environments begin: the folders that a cluster syncs.

In this order: what `flux bootstrap` wrote and what a FluxInstance syncs, with the folders under `clusters/`;
Kustomizations that no other one applies (`toplevel`); and what Terraform hands to Flux. The first of these
that finds any counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import YAML_SUFFIXES
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.either import load_either

from .discover import is_chart_template
from .flux import (
    FluxKustomization,
    Source,
    Sync,
    read_kustomization,
    read_source,
    read_sync,
    read_values_sync,
)
from .kustomize.build import Builder
from .manifests import line_of
from .objects import Object
from .sourceignore import artifact
from .terraform import read_paths
from .toplevel import find_tops, is_hidden
from .tree import Tree, parent

CLUSTERS = "clusters"
_SYNC = "gotk-sync.yaml"
_LARGE = 2**20
"""Bytes; people write no larger manifest to say what Flux syncs."""


@dataclass(frozen=True, slots=True)
class Root:
    """The folder where an environment begins.

    Attributes:
        path: relative to the root of the repository with `/`; `""` is the root.
        sync: the FluxInstance that syncs it, where one does.
    """

    path: str
    sync: Sync | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """The manifests that say something about what Flux syncs, by path.

    Attributes:
        instances: with a FluxInstance, or with a HelmRelease that may make one.
        values: with values of flux-instance's chart.
        flux: with Kustomizations or sources of Flux.
        sets: with objects of flux-operator that make others in the cluster.
    """

    instances: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    flux: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()


def find_roots(tree: Tree, given: Collection[str] = ()) -> tuple[Root, ...]:
    """The roots of a repository, by path.

    Args:
        tree: the repository.
        given: paths of roots that the settings name; they are among the result.
    """
    marked = mark(tree)
    syncs = _syncs(tree, marked)
    synced = {folder for path in tree.paths if (folder := _bootstrapped(path)) is not None} | syncs.keys()
    found = synced | _clusters(tree, synced)
    if not found and not given:
        builder = Builder(artifact(tree))
        found = set(find_tops(tree, *read_flux(builder, marked), builder)) or read_paths(tree)
    return tuple(Root(path, syncs.get(path)) for path in sorted(found | set(given)))


def read_flux(builder: Builder, marked: Marked) -> tuple[list[FluxKustomization], list[Source]]:
    """The Kustomizations and sources of all manifests, as they are written."""
    items: list[FluxKustomization] = []
    sources: list[Source] = []
    for path in marked.flux:
        for item in builder.resource_file(path).objects:
            if (kustomization := read_kustomization(item)) is not None:
                items.append(kustomization)
            elif (source := read_source(item)) is not None:
                sources.append(source)
    return items, sources


def mark(tree: Tree) -> Marked:
    """Look through all manifests, each once."""
    marks = _Marks()
    for path in tree.paths:
        if path.endswith(YAML_SUFFIXES):
            marks.look(tree, path)
    return Marked(tuple(marks.instances), tuple(marks.values), tuple(marks.flux), tuple(marks.sets))


@dataclass(slots=True)
class _Marks:
    instances: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    flux: list[str] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)

    def look(self, tree: Tree, path: str) -> None:
        data = _content(tree, path)
        instance = data.find(b"instance:")
        synced = 0 <= instance < data.rfind(b"sync:")
        flux = b"toolkit.fluxcd.io" in data
        operator = b"fluxcd.controlplane.io" in data
        if not (synced or flux or operator) or is_chart_template(tree, path):
            return
        if operator or synced:
            self.instances.append(path)
        if synced and _VALUES.search(data):
            self.values.append(path)
        if flux:
            self.flux.append(path)
        if operator and b"ResourceSet" in data:
            self.sets.append(path)


_VALUES = re.compile(rb"(?m)^instance:[ ]*(?:#.*)?$")


def _content(tree: Tree, path: str) -> bytes:
    try:
        size = tree.size(path)
        return tree.read(path) if size and size <= _LARGE else b""
    except FluxsecretsError:
        return b""  # whatever reads it for its content reports what is wrong


def _bootstrapped(path: str) -> str | None:
    """The folder that `flux bootstrap` made a file for."""
    return parent(parent(path)) if path.endswith(f"/{_SYNC}") and not is_hidden(path) else None


def _clusters(tree: Tree, synced: Iterable[str]) -> set[str]:
    """The folders under `clusters/` that may each be a cluster's."""
    folders = {"/".join(path.split("/", 2)[:2]) for path in tree.below(CLUSTERS) if path.count("/") > 1}
    # A folder of folders that are synced themselves is not an environment: it only groups them
    grouping = {folder for folder in folders for root in synced if root.startswith(folder + "/")}
    return {
        folder
        for folder in folders - grouping
        if not (name := folder.partition("/")[2]).startswith(".") and name != "flux-system"
    }


# FluxInstances.


def _syncs(tree: Tree, marked: Marked) -> Mapping[str, Sync]:
    """What FluxInstances in the tree sync, by folder; the first of each in the order of paths."""
    found: dict[str, Sync] = {}
    for each in read_instances(tree, marked):
        sync = _in_repository(tree, each)
        if sync is not None and sync.path is not None:
            found.setdefault(sync.path, sync)
    return found


def read_instances(tree: Tree, marked: Marked) -> tuple[Sync, ...]:
    """What FluxInstances sync, as it is written, in the order of paths."""
    found = (*map(read_sync, _objects(tree, marked.instances)), *_values_syncs(tree, marked.values))
    return tuple(each for each in found if each is not None)


def _objects(tree: Tree, paths: Iterable[str]) -> Iterator[Object]:
    builder = Builder(tree)
    for path in paths:
        yield from builder.resource_file(path).objects


def _values_syncs(tree: Tree, paths: Iterable[str]) -> Iterator[Sync | None]:
    """Values of flux-instance's chart in separate files, such as those that a generator reads."""
    for path in paths:
        try:
            nodes = load_either(tree.read(path), tree.limits)
        except FluxsecretsError:
            continue
        for node in nodes:
            yield read_values_sync(to_data(node), path, line_of(node) or 1)


def _in_repository(tree: Tree, sync: Sync) -> Sync | None:
    """Where the path of a sync is here: an OCI artifact may be made of one folder of the repository."""
    if sync.path is None or sync.path in tree.folders:
        return sync if sync.path is not None else None
    if sync.kind == "GitRepository":
        return None
    found = [folder for folder in tree.folders if folder.endswith(f"/{sync.path}")]
    if len(found) != 1:
        return None
    return replace(sync, path=found[0], base=found[0].removesuffix(f"/{sync.path}"))
