"""What Flux reaches from a root: each Kustomization with the objects that it applies, in dependency order.

Pure reading: no cluster, no network. A Kustomization is judged as it is applied, with what its parents put on
it; where it leads is built in turn. What cannot be followed is noted, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .applied import Applied, Graph
from .build import Builder, component_references
from .built import Built, Cycle, Overlay
from .flux import KUSTOMIZE_GROUP, OPERATOR_GROUP, FluxKustomization, Source, Sync, read_kustomization
from .manifests import pairs
from .objects import Object
from .operator import made_by_operator
from .ordering import in_order
from .outcome import Effect, Outcome
from .ownsource import own_source
from .placing import find_components, misplaced
from .sourceignore import artifact
from .sourcing import Origin, Sourcing, differs, not_followed
from .substitute import substitute_known
from .tree import Note, Tree

__all__ = ["Applied", "Graph", "walk"]

_NOT_ANALYSED = frozenset({"ResourceSet", "ResourceSetInputProvider"})


def walk(tree: Tree, root: str, sync: Sync | None = None, builder: Builder | None = None) -> Graph:
    """Follow everything that Flux would, starting at a folder.

    Nothing outside of the tree is read. A Flux Kustomization whose source is another repository is noted and
    not followed.

    Args:
        tree: the repository.
        root: the folder that the environment's own Kustomization syncs.
        sync: the FluxInstance that syncs it, or None where a Kustomization in the tree does, or nothing.
        builder: what has read the files before, for another root of the same tree.
    """
    builder = builder if builder is not None else Builder(artifact(tree))
    walker = _Walker(tree, builder, root, sync)
    walker.run()
    own = _cut(walker.sourcing.own())
    if own != _cut(None):
        walker = _Walker(tree, Builder(artifact(tree, *own)), root, sync)
        walker.run()
    return walker.graph()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A Kustomization that was found, and what applies it."""

    kustomization: FluxKustomization
    item: Object
    parent: tuple[str | None, str] | None


class _Walker:
    """What has been reached so far."""

    def __init__(self, repository: Tree, builder: Builder, root: str, sync: Sync | None) -> None:
        self.repository = repository
        self.builder = builder
        self.others: dict[tuple[str, tuple[str, ...]], Builder] = {}
        self.tree = builder.tree
        self.root = root
        self.sync = sync
        self.sourcing = Sourcing(self.tree, sync)
        self.applied: list[Applied] = []
        self.waiting: list[_Waiting] = []
        self.met: set[tuple[object, ...]] = set()
        self.config_maps: dict[tuple[str | None, str], dict[str, str]] = {}
        self.folders: dict[str, None] = {}
        self.files: set[str] = set()
        self.decrypted_as: dict[str, str] = {}
        self.cycles: dict[Cycle, None] = {}
        self.notes: dict[Note, None] = {}

    def run(self) -> None:
        self.begin()
        while self.waiting:
            # Those that are surely ours and whose variables are known first: they may bring what the
            # others wait for.
            ranks = [self.rank(each) for each in self.waiting]
            best = min(ranks)
            chosen = [each for each, rank in zip(self.waiting, ranks, strict=True) if rank == best]
            self.waiting = [each for each, rank in zip(self.waiting, ranks, strict=True) if rank > best]
            for each in chosen:
                self.follow(each)

    def builder_of(self, item: FluxKustomization) -> Builder:
        """The builder with the files of a Kustomization's source; a source may leave some out."""
        source = self.sourcing.of(item)
        cut = _cut(source)
        if source is None or cut == _cut(self.sourcing.own()):
            return self.builder
        if cut not in self.others:
            self.others[cut] = Builder(artifact(self.repository, *cut))
        return self.others[cut]

    def graph(self) -> Graph:
        self.templates()
        ordered, cycles = in_order(self.applied)
        for cycle in cycles:
            self.cycles[cycle] = None
            shown = " depends on ".join(cycle.members)
            self.note(Note(cycle.file, cycle.line, f"Flux never applies this: {shown}", warning=True))
        return Graph(
            root=self.root,
            applied=ordered,
            files=frozenset(self.files),
            decrypted_as=dict(sorted(self.decrypted_as.items())),
            folders=tuple(self.folders),
            sources=tuple(sorted(self.sourcing.sources, key=lambda each: (each.file, each.line))),
            cycles=tuple(self.cycles),
            notes=tuple(sorted(self.notes, key=lambda note: (note.path, note.line or 0, note.message))),
            tree=self.tree,
