"""What Flux reaches from a root: each Kustomization with the objects that it applies, in dependency order.

Pure reading: no cluster, no network. A Kustomization is judged as it is applied, with what its parents put on
it; where it leads is built in turn. What cannot be followed is noted, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterable

from fluxsecrets.records import dataclass, replace

from .applied import Applied, Graph
from .flux import KUSTOMIZE_GROUP, OPERATOR_GROUP, FluxKustomization, Source, Sync, read_kustomization
from .kustomize.build import Builder, component_references
from .kustomize.built import Built, Cycle, Overlay
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

_Cut = tuple[str, tuple[str, ...]]
"""What a source leaves out of the files of its repository, and the only folders that it takes."""

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
        walker = _Walker(tree, builder, root, sync, own)
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

    def __init__(
        self,
        repository: Tree,
        builder: Builder,
        root: str,
        sync: Sync | None,
        cut: _Cut = ("", ()),
    ) -> None:
        self.repository = repository
        self.first = builder
        self.builder = builder if cut == _cut(None) else self.builder_of_cut(cut)
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
        return self.builder_of_cut(cut)

    def builder_of_cut(self, cut: _Cut) -> Builder:
        """The builder of what is left; environments whose sources leave out the same share it."""
        return self.first.of_part(self.repository, cut, lambda: artifact(self.repository, *cut))

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
            sync=self.sync,
            source=self.sourcing.root,
        )

    def note(self, note: Note) -> None:
        self.notes[note] = None

    def templates(self) -> None:
        """Templates that another tool renders before Flux sees the result."""
        seen: set[str] = set()
        for folder in self.folders:
            found = [path for path in self.tree.below(folder) if path.endswith(".j2") and path not in seen]
            seen.update(found)
            for path in found:
                self.note(Note(path, None, "not analysed: it is a template"))

    # The root.

    def begin(self) -> None:
        built = self.builder.build(self.root)
        own = self.own(built.objects)
        if own is None:
            self.guess_source(built.objects)
            self.add(Applied(None, None, None, self.root, built.objects), built)
            return
        kustomization, item = own
        self.sourcing.root = kustomization.source
        self.met.add(_identity(kustomization))
        self.build(_Waiting(kustomization, item, None), self.root, made=self.sync is not None)

    def own(self, objects: Iterable[Object]) -> tuple[FluxKustomization, Object] | None:
        """The Kustomization that syncs the root."""
        if self.sync is not None:
            item = made_by_operator(self.sync, self.root)
            found = read_kustomization(item)
            return (found, item) if found is not None else None
        candidates = [
            (found, item)
            for item in objects
            if (found := read_kustomization(item)) is not None and self.syncs_root(found)
        ]
        named = [each for each in candidates if each[0].name == "flux-system"]
        chosen = next(iter((*named, *candidates)), None)
        if chosen is not None and chosen[0].path:
            self.sourcing.base = self.root.removesuffix(chosen[0].path).rstrip("/")
        return chosen

    def syncs_root(self, item: FluxKustomization) -> bool:
        """Whether a Kustomization applies the root: an artifact may be made of a folder of the repository."""
        if item.path == self.root:
            return True
        artifact = item.source is not None and item.source.kind in ("OCIRepository", "Bucket")
        return artifact and bool(item.path) and self.root.endswith(f"/{item.path}")

    def guess_source(self, objects: Iterable[Object]) -> None:
        """Of a root that nothing in the tree syncs: the source of what it applies."""
        items = [found for item in objects if (found := read_kustomization(item)) is not None]
        own = own_source(self.tree, items)
        if own is not None and own.known:
            self.sourcing.root, self.sourcing.base = own.source, own.base

    # The others.

    def rank(self, waiting: _Waiting) -> int:
        item = waiting.kustomization
        if item.source is None or self.sourcing.root is None or differs(item.source, self.sourcing.root):
            return 2
        return 0 if self.variables(item)[1] else 1

    def follow(self, waiting: _Waiting) -> None:
        item = waiting.kustomization
        origin = None if item.source is None else self.sourcing.origin(item.source)
        reason, path = self.sourcing.reason_against(item), self.sourcing.in_repository(item)
        behaviour = "source-not-followed"
        if reason is None and item.source is not None and origin is Origin.COPIED:
            path = self.sourcing.in_artifact(item)
            reason = None if path is not None else not_followed(item.source)
        elif reason is None and path is None:
            behaviour, reason = "path-not-known", "its path is not followed"
        tree = self.builder_of(item).tree
        place = None if path is None else tree.locate(path)
        broken = reason is None and (place is None or place not in tree.folders)
        # `./` is a path in every repository
        if (
            (broken or (reason is None and not place))
            and item.source
            and self.sourcing.may_be_other(item.source)
        ):
            reason, broken = f"not followed, its source {item.source.name!a} may be another repository", False
        if reason is None and path is not None and place is not None and not broken:
            self.build(waiting, place)
            return
        if broken and path is not None:
            reason = f"{path!a} is not a folder here"
            outcome = misplaced(tree, item, waiting.item, path, sure=self.has_all(waiting, origin))
        else:
            outcome = Outcome(Effect.UNKNOWN, behaviour, reason or "", item.file, item.line)
        self.note(Note(item.file, item.line, f"Kustomization {item.name!a}: {reason}", warning=broken))
        self.applied.append(
            Applied(item, waiting.item, waiting.parent, None, reason=reason, misplaced=(outcome,))
        )

    def has_all(self, waiting: _Waiting, origin: Origin | None) -> bool:
        """Whether the tree surely has all the files that a Kustomization is built from."""
        source = waiting.kustomization.source
        known = self.sourcing.of(waiting.kustomization)
        if source is None or source.kind != "GitRepository" or (known is not None and known.is_more):
            return False
        if origin is Origin.LIKELY_OURS:
            return any(
                each.folder and each.kustomization is not None and each.kustomization.source == source
                for each in self.applied
            )
        return origin is Origin.OURS

    def build(self, waiting: _Waiting, folder: str, *, made: bool = False) -> None:
        item = waiting.kustomization
        for message in item.broken_patches:
            self.note(
                Note(
                    item.file,
                    item.line,
                    f"Kustomization {item.name!a}: not analysed: {message}",
                    warning=True,
                )
            )
        builder = self.builder_of(item)
        components = find_components(builder.tree, item, waiting.item, folder)
        for note in components.notes:
            self.note(note)
        overlay = None
        if item.changes_what_it_builds or item.broken_patches:
            overlay = Overlay(
                item.target_namespace,
                item.name_prefix,
                item.name_suffix,
                item.patches,
                components.references,
                tuple(
                    Outcome(Effect.FAILS, "patch-refused", message, item.file, item.line)
                    for message in item.broken_patches
                ),
                item.images,
            )
        built = builder.build(folder, overlay)
        values, _ = self.variables(item)
        objects = built.objects
        if item.post_build and (values or item.substitute_from or item.substitute_always):
            objects = tuple(substitute_known(each, values) for each in objects)
        self.add(
            Applied(
                item,
                None if made else waiting.item,
                waiting.parent,
                folder,
                objects=objects,
                overlay=overlay,
                misplaced=components.outcomes,
                tree=builder.tree if builder is not self.builder else None,
            ),
            built,
        )

    def add(self, applied: Applied, built: Built) -> None:
        """Add what was built, and the Kustomizations in it."""
        self.folders[applied.folder or ""] = None
        if applied.kustomization is not None:
            for component in component_references(
                applied.folder or "", applied.kustomization.components, applied.kustomization.line
            ):
                if self.tree.locate(component.path) in self.tree.folders:
                    self.folders[component.path] = None
        self.applied.append(replace(applied, files=built.files, built=built.objects, outcomes=built.outcomes))
        self.files |= built.files
        self.decrypted_as.update(
            {path: format_ for path, format_ in built.decrypted_as.items() if path not in self.decrypted_as}
        )
        for note in built.notes:
            self.note(note)
        for cycle in built.cycles:
            self.cycles[cycle] = None
        for item in applied.objects:
            self.take(item, applied)

    def take(self, item: Object, applied: Applied) -> None:
        if item.kind == "ConfigMap" and item.api_version == "v1":
            self.config_maps.setdefault((item.namespace, item.name), pairs(item.data, "data"))
        elif item.group == KUSTOMIZE_GROUP:
            found = read_kustomization(item)
            if found is not None and _identity(found) not in self.met:
                self.met.add(_identity(found))
                self.waiting.append(_Waiting(found, item, applied.key))
        elif item.group == OPERATOR_GROUP and item.kind in _NOT_ANALYSED:
            message = f"not analysed: what the {item.kind} {item.name!a} makes is known in the cluster only"
            self.note(Note(item.file, item.line, message))
        else:
            self.sourcing.take(item)

    def variables(self, item: FluxKustomization) -> tuple[dict[str, str], bool]:
        """The values of a Kustomization's variables, and whether they are complete."""
        values: dict[str, str] = {}
        complete = True
        for each in item.substitute_from:
            found = self.config_maps.get((item.namespace, each.name)) if each.kind == "ConfigMap" else None
            if found is None:
                complete = False
            else:
                values |= found
        values |= dict(item.substitute)
        return {name: value.replace("\n", "") for name, value in values.items()}, complete


def _cut(source: Source | None) -> _Cut:
    """What a source leaves out of the files of its repository."""
    return (source.ignore, source.sparse) if source is not None else ("", ())


def _identity(item: FluxKustomization) -> tuple[object, ...]:
    return (item.namespace, item.name, item.path, item.file, item.line, item.components)
