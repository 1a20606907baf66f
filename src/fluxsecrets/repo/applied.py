"""What a Flux Kustomization applies, and all that Flux reaches from a root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fluxsecrets.records import dataclass, field

from .flux import FluxKustomization, Source, SourceRef, Sync
from .kustomize.built import Cycle, Overlay
from .objects import Object
from .outcome import Outcome
from .tree import Note, Tree


@dataclass(frozen=True, slots=True)
class Applied:
    """A Flux Kustomization, or a root that no Kustomization syncs, with what it applies.

    Attributes:
        kustomization: as it is applied; None for a root that no Kustomization in the tree syncs.
        item: the Kustomization as an object, for the lines of its fields; None as above, or where an
            operator makes it.
        parent: key of the Kustomization that applies it; None for the root, and for what the root applies
            where nothing syncs that.
        folder: what is built, or None where it is not followed.
        objects: what is applied, its own Kustomizations too.
        files: every file that is read for that.
        reason: why it is not followed, or None.
        built: the objects before variables are replaced in them.
        outcomes: what kustomize refuses in it, or what is not known here.
        misplaced: what is wrong with the places that it is built from.
        overlay: what the Kustomization adds to the kustomization file of the folder, or None.
        tree: the files of its source; None where they are those of the root's source.
    """

    kustomization: FluxKustomization | None
    item: Object | None
    parent: tuple[str | None, str] | None
    folder: str | None
    objects: tuple[Object, ...] = field(default=(), repr=False)
    files: frozenset[str] = field(default=frozenset(), repr=False)
    reason: str | None = None
    built: tuple[Object, ...] = field(default=(), repr=False)
    outcomes: tuple[Outcome, ...] = ()
    misplaced: tuple[Outcome, ...] = ()
    overlay: Overlay | None = field(default=None, repr=False, compare=False)
    tree: Tree | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> tuple[str | None, str] | None:
        """Namespace and name of the Kustomization, or None."""
        return self.kustomization.key if self.kustomization is not None else None


@dataclass(frozen=True, slots=True)
class Graph:
    """What Flux reaches from a folder.

    Attributes:
        applied: every Kustomization once, the root first, each behind what it depends on.
        files: every file that is read on the way: manifests, kustomization files, what generators
            and patches name. Paths relative to the root of the repository with `/`.
        decrypted_as: files that Flux decrypts by their key's name, with the format it takes them for.
        folders: the folders that are built: the start and each `spec.path` that was followed.
        sources: what Kustomizations may be built from, where the tree has it.
        cycles: in `dependsOn` and in kustomize's includes.
        notes: what was not followed, and why.
        tree: the files that reach Flux.
        sync: the FluxInstance that syncs the root, or None.
        source: what the root is synced from, or None where nothing says it.
    """

    root: str
    applied: tuple[Applied, ...]
    files: frozenset[str]
    decrypted_as: Mapping[str, str]
    folders: tuple[str, ...]
    sources: tuple[Source, ...]
    cycles: tuple[Cycle, ...]
    notes: tuple[Note, ...]
    tree: Tree = field(repr=False, compare=False)
    sync: Sync | None = field(default=None, repr=False, compare=False)
    source: SourceRef | None = None

    @property
    def kustomizations(self) -> tuple[FluxKustomization, ...]:
        """All Flux Kustomizations, in dependency order."""
        return tuple(each.kustomization for each in self.applied if each.kustomization is not None)

    @property
    def objects(self) -> Iterator[tuple[Applied, Object]]:
        """Every object, with what applies it."""
        return ((each, item) for each in self.applied for item in each.objects)
