"""What kustomize makes of a folder: its objects after patches, namespaces and prefixes.

The order is kustomize's (api/internal/target): resources, generators, components, then patches, namespace,
prefix and suffix, labels and annotations, replacements. What a folder without a kustomization file is built
of follows fluxcd/pkg's generator. Not modelled: vars, plug-ins, Helm charts; they are noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import YAML_SUFFIXES
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.either import load_either

from .kustomize import (
    Generator,
    KustomizationFile,
    PatchEntry,
    Reference,
    ReplacementEntry,
    kustomization_files,
    load_kustomization,
    unreadable,
)
from .manifests import Plain, read_documents, read_manifests, with_value, without_definitions
from .objects import CLUSTER_SCOPED, Generated, Object, object_of, with_data, with_metadata
from .outcome import Effect, Outcome
from .patches import Patch, PatchError, apply, read_patch
from .references import uses
from .replacements import read_replacements, replace_values
from .tree import Note, Tree, normalise

_KUSTOMIZE_CONFIG = "kustomize.config.k8s.io"
_LOCAL = "config.kubernetes.io/local-config"
_FIXED_NAMES = frozenset({"APIService", "CustomResourceDefinition", "Namespace"})
"""Kinds that get no prefix or suffix."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a Flux Kustomization adds to the kustomization file of its folder."""

    namespace: str | None = None
    name_prefix: str | None = None
    name_suffix: str | None = None
    patches: tuple[Patch, ...] = ()
    components: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Cycle:
    """Includes or `dependsOn` that form a cycle.

    Attributes:
        kind: `include` or `dependsOn`.
        members: folders, or `namespace/name` of Kustomizations, the first one again at the end.
        file, line: the reference that closes the circle.
    """

    kind: str
    members: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Built:
    """The result for a folder.

    Attributes:
        objects: in order.
        files: every file that was read, or would be.
        decrypted_as: files that Flux decrypts by their key's name, with the format it takes them for.
        notes: what could not be read or is not followed.
        cycles: includes that lead back.
        outcomes: what kustomize refuses, or what is not known here.
    """

    objects: tuple[Object, ...] = ()
    files: frozenset[str] = frozenset()
    decrypted_as: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


class Builder:
    """Builds folders of a tree; each file is parsed once, and each included folder is built once."""

    def __init__(self, tree: Tree) -> None:
        """Take the files that reach Flux."""
        self.tree = tree
        self._files: dict[str, tuple[tuple[Object, ...], tuple[Note, ...]]] = {}
        self._kustomizations: dict[str, KustomizationFile | Note] = {}
        self._folders: dict[str, Built] = {}

    def build(self, folder: str, overlay: Overlay | None = None) -> Built:
        """Build a folder as kustomize-controller does, with or without a kustomization file."""
        if overlay is None:
            return self.include(folder, ())
        return _Work(self, (folder,)).run(folder, self._kustomizations_of(folder, automatic=True), overlay)

    def include(self, folder: str, above: tuple[str, ...]) -> Built:
        """Build a folder as another kustomization file includes it.

        Args:
            folder: in the tree.
            above: the folders that include each other, the outermost first; empty for a root.
        """
        # Only what a Flux Kustomization names may do without a kustomization file.
        key = folder if not above or kustomization_files(self.tree, folder) else f"{folder}/"
        known = self._folders.get(key)
        if known is None:
            found = self._kustomizations_of(folder, automatic=not above)
            known = _Work(self, (*above, folder)).run(folder, found, Overlay())
            if not known.cycles:  # what was cut off because of where we came from is not what others get
                self._folders[key] = known
        return known

    def objects(self, path: str) -> tuple[tuple[Object, ...], tuple[Note, ...]]:
        """The objects of a manifest file, and what is wrong with it."""
        if path not in self._files:
            self._files[path] = self._read(path)
        return self._files[path]

    def _read(self, path: str) -> tuple[tuple[Object, ...], tuple[Note, ...]]:
        try:
            if self.tree.size(path) is None:  # a symbolic link: what it stands for has its own name
                return (), ()
            data = without_definitions(self.tree.read(path))
            manifests = read_manifests(data, path, self.tree.limits).manifests
        except FluxsecretsError as error:
            return (), (unreadable(path, error),)
        found = [object_of(manifest, path) for manifest in manifests]
        return tuple(item for item in found if item is not None and item.group != _KUSTOMIZE_CONFIG), ()

    def kustomization(self, path: str) -> KustomizationFile | Note:
        """A kustomization file, or why it cannot be read."""
        if path not in self._kustomizations:
            try:
                self._kustomizations[path] = load_kustomization(self.tree, path)
            except FluxsecretsError as error:
                self._kustomizations[path] = unreadable(path, error)
        return self._kustomizations[path]

    def _kustomizations_of(self, folder: str, *, automatic: bool) -> tuple[KustomizationFile | Note, ...]:
        found = kustomization_files(self.tree, folder)
        if found:
            return tuple(self.kustomization(path) for path in found)
        if automatic:
            resources = tuple(Reference(path, 1) for path in self.scan(folder))
            return (KustomizationFile("", resources),)
        return (_no_kustomization_file(folder),)

    def scan(self, folder: str) -> list[str]:
        """What the controller takes of a folder without a kustomization file."""
        taken: list[str] = []
        own: set[str] = set()
        for path in self.tree.below(folder):
            here = self._kustomized_above(path, folder, own)
            if here is not None:
                if here not in taken[-1:]:
                    taken.append(here)
            elif path.endswith(YAML_SUFFIXES):
                taken.append(path)
        return list(dict.fromkeys(taken))

    def _kustomized_above(self, path: str, top: str, known: set[str]) -> str | None:
        """The outermost folder between `top` and a path that has a kustomization file."""
        relative = path[len(top) + 1 :] if top else path
        here = top
        for part in relative.split("/")[:-1]:
            here = f"{here}/{part}" if here else part
            if here in known or kustomization_files(self.tree, here):
                known.add(here)
                return here
        return None


class _Work:
    """A folder that is being built, and what was found on the way."""

    def __init__(self, builder: Builder, above: tuple[str, ...]) -> None:
        self.builder = builder
        self.tree = builder.tree
        self.above = above  # the folders that include each other, this one last
        self.files: set[str] = set()
        self.decrypted_as: dict[str, str] = {}
        self.notes: dict[Note, None] = {}
        self.cycles: dict[Cycle, None] = {}
        self.outcomes: dict[Outcome, None] = {}

    def run(self, folder: str, found: tuple[KustomizationFile | Note, ...], overlay: Overlay) -> Built:
        objects: list[Object] = []
        if len(found) > 1:
            first, second = kustomization_files(self.tree, folder)[:2]
            self.fails("two-kustomization-files", "found multiple kustomization files", second, None)
            self.note(
                Note(
                    second,
                    None,
                    f"Flux refuses a folder with two kustomization files, see {first}",
                    warning=True,
                )
            )
        for file in found:
            if isinstance(file, Note):
                self.note(file)
                if file.path in self.tree.files:
                    self.files.add(file.path)
            else:
                objects += self.take(file, [], overlay)
        return self.built(objects)

    def built(self, objects: Iterable[Object]) -> Built:
        return Built(
            tuple(objects),
            frozenset(self.files),
            self.decrypted_as,
            tuple(self.notes),
            tuple(self.cycles),
            tuple(self.outcomes),
        )

    def note(self, note: Note) -> None:
        self.notes[note] = None

    def fails(self, behaviour: str, reason: str, path: str | None, line: int | None) -> None:
        self.outcomes[Outcome(Effect.FAILS, behaviour, reason, path, line)] = None

    def unknown(self, behaviour: str, reason: str, path: str | None, line: int | None) -> None:
        self.outcomes[Outcome(Effect.UNKNOWN, behaviour, reason, path, line)] = None

    def take(self, file: KustomizationFile, before: list[Object], overlay: Overlay) -> list[Object]:
        """The objects that a kustomization file makes of given ones and its own."""
        for note in file.notes:
            self.note(note)
        if file.path:
            self.files.add(file.path)
        for name, line in file.not_modelled:
            self.unknown("not-modelled", f"`{name}` is not analysed", file.path, line)
            self.note(Note(file.path, line, f"`{name}` is not analysed: what it changes is not known"))
        self.read_along(file)
        objects = [*before]
        for reference in file.resources:
            objects += self.resource(file, reference)
        objects = self.generate(file, objects)
        for reference in (*file.components, *overlay.components):
            objects = self.component(file, reference, objects)
        return self.transform(file, objects, overlay)

    def read_along(self, file: KustomizationFile) -> None:
        """The files of generators and patches, and others that kustomize reads."""
        generated = (source for generator in file.generators for source in generator.files)
        for source in (*file.patches, *generated):
            place = self.place(file, Reference(source.path, source.line))
            if place is None or place not in self.tree.files:
                continue
            self.files.add(place)
            known = self.decrypted_as.setdefault(place, source.format)
            if known != source.format:
                message = f"{place!a} is read as {source.format} here, and as {known} elsewhere"
                self.note(Note(file.path, source.line, message))
        for reference in (*file.config_files, *file.others):
            place = self.place(file, reference)
            if place is not None and place in self.tree.files:
                self.files.add(place)

    def place(self, file: KustomizationFile, reference: Reference) -> str | None:
        place = self.tree.locate(reference.path)
        if place is None:
            message = f"{reference.path!a} is not in the repository, or ignored by git"
            self.note(Note(file.path, reference.line, message, warning=True))
        return place

    def resource(self, file: KustomizationFile, reference: Reference) -> tuple[Object, ...]:
        place = self.place(file, reference)
        if place is None:
            return ()
        if place in self.tree.folders and place not in self.tree.files:
            objects = self.folder(file, reference, place)
        else:
            objects, notes = self.builder.objects(place)
            self.files.add(place)
            for note in notes:
                self.note(note)
            objects = tuple(item for item in objects if item.annotations.get(_LOCAL) is None)
        if not file.path:
            return objects
        return tuple(replace(item, through=(*item.through, file.path)) for item in objects)

    def folder(self, file: KustomizationFile, reference: Reference, place: str) -> tuple[Object, ...]:
        if self.leads_back(file, reference, place):
            return ()
        built = self.builder.include(place, self.above)
        self.join(file, reference, built)
        return built.objects

    def leads_back(self, file: KustomizationFile, reference: Reference, place: str) -> bool:
        if place not in self.above:
            return False
        members = (*self.above[self.above.index(place) :], place)
        shown = tuple(member or "." for member in members)
        self.cycles[Cycle("include", shown, file.path, reference.line)] = None
        self.note(
            Note(
                file.path, reference.line, f"kustomize refuses this: {' includes '.join(shown)}", warning=True
            )
        )
        return True

    def join(self, file: KustomizationFile, reference: Reference, built: Built) -> None:
        self.files |= built.files
        for note in built.notes:
            self.note(note)
        for cycle in built.cycles:
            self.cycles[cycle] = None
        for outcome in built.outcomes:
            self.outcomes[outcome] = None
        for path, format_ in built.decrypted_as.items():
            known = self.decrypted_as.setdefault(path, format_)
            if known != format_:
                message = f"{path!a} is read as {format_} here, and as {known} elsewhere"
                self.note(Note(file.path, reference.line, message))

    def component(self, file: KustomizationFile, reference: Reference, objects: list[Object]) -> list[Object]:
        """A component changes everything so far, and adds its own objects."""
        place = self.place(file, reference)
        if place is None or self.leads_back(file, reference, place):
            return objects
        found = kustomization_files(self.tree, place)
        if not found:
            self.note(_no_kustomization_file(place))
        inner = _Work(self.builder, (*self.above, place))
        for path in found:
            component = self.builder.kustomization(path)
            if isinstance(component, Note):
                inner.files.add(path)
                inner.note(component)
            else:
                objects = inner.take(component, objects, Overlay())
        self.join(file, reference, inner.built(()))
        return objects

    # Generators.

    def generate(self, file: KustomizationFile, objects: list[Object]) -> list[Object]:
        kinds = (("Secret", file.generators), ("ConfigMap", file.config_generators))
        for kind, generators in kinds:
            for generator in generators:
                if generator.name is not None:
                    objects = _absorb(objects, _generated(kind, generator, generator.name, file), generator)
        return objects

    # Patches, namespace, names.

    def transform(self, file: KustomizationFile, objects: list[Object], overlay: Overlay) -> list[Object]:
        patches = [patch for entry in file.edits for patch in self.read_edit(file, entry)]
        for patch in (*patches, *overlay.patches):
            objects = self.patch(patch, objects)
        namespace = overlay.namespace or file.namespace
        if namespace is not None:
            objects = [_in_namespace(item, namespace) for item in objects]
        prefix = overlay.name_prefix if overlay.name_prefix is not None else file.name_prefix
        suffix = overlay.name_suffix if overlay.name_suffix is not None else file.name_suffix
        if prefix or suffix:
            objects = _renamed(objects, prefix or "", suffix or "")
        if file.labels or file.annotations:
            labels, annotations = dict(file.labels), dict(file.annotations)
            objects = [
                with_metadata(
                    item,
                    labels={**item.labels, **labels},
                    annotations={**item.annotations, **annotations},
                )
                for item in objects
            ]
        for entry in file.replacements:
            objects = self.replaced(file, entry, objects)
        return objects

    def replaced(
        self, file: KustomizationFile, entry: ReplacementEntry, objects: list[Object]
    ) -> list[Object]:
        place, data = file.path, entry.inline
        try:
            if entry.path is not None:
                found = self.tree.locate(entry.path.path)
                if found is None or found not in self.tree.files:
                    return objects
                place = found
                data = to_data(read_documents(self.tree.read(found), found, self.tree.limits)[0])
            for replacement in read_replacements(data, place, entry.line if place == file.path else 1):
                objects = replace_values(replacement, objects)
        except FluxsecretsError as error:
            self.note(unreadable(place, error))
        except PatchError as error:
            self.note(
                Note(
                    file.path, entry.line, f"not analysed: a replacement does not fit: {error}", warning=True
                )
            )
        return objects

    def patch(self, patch: Patch, objects: list[Object]) -> list[Object]:
        kept: list[Object] = []
        for item in objects:
            try:
                data = apply(patch, item.data, item.all_names)
            except PatchError as error:
                message = f"a patch does not fit {item.kind} {item.name!a}: {error}"
                self.note(Note(patch.file, patch.line, message, warning=True))
                data = item.data
            if data is item.data:
                kept.append(item)
            elif data is not None:
                mark = f"{patch.file}:{patch.line}"
                kept.append(replace(with_data(item, data), patched_by=(*item.patched_by, mark)))
        return kept

    def read_edit(self, file: KustomizationFile, entry: PatchEntry) -> Iterable[Patch]:
        place = None
        try:
            if entry.path is None:
                nodes = load_either((entry.inline or "").encode(), self.tree.limits)
            else:
                place = self.tree.locate(entry.path.path)
                if place is None or place not in self.tree.files:
                    return ()
                nodes = read_documents(self.tree.read(place), place, self.tree.limits)
            documents: list[object] = [to_data(node) for node in nodes]
            return (read_patch(documents, entry.target, place or file.path, entry.line if not place else 1),)
        except FluxsecretsError as error:
            self.note(
                Note(
                    place or file.path,
                    entry.line if not place else error.line,
                    _broken(error.message),
                    warning=True,
                )
            )
        except PatchError as error:
            self.note(
                Note(place or file.path, entry.line if not place else 1, _broken(str(error)), warning=True)
            )
        return ()


def _no_kustomization_file(folder: str) -> Note:
    message = "not analysed: the folder has no kustomization file"
    return Note(folder or ".", None, message, warning=True)


def _broken(reason: str) -> str:
    return f"not analysed: a patch cannot be read: {reason}"


def _generated(kind: str, generator: Generator, name: str, file: KustomizationFile) -> Object:
    metadata: Plain = {"name": name}
    if generator.namespace:
        metadata["namespace"] = generator.namespace
    return Object(
        "v1",
        kind,
        name,
        generator.namespace,
        file.path,
        generator.line,
        {"apiVersion": "v1", "kind": kind, "metadata": metadata},
        generated=Generated(
            generator.keys,
            tuple(source.path for source in generator.files),
            generator.hashed,
            generator.complete,
            bool(generator.literals),
        ),
        through=(file.path,),
    )


def _absorb(objects: list[Object], made: Object, generator: Generator) -> list[Object]:
    """Add a generated object, or let it change the one that it names."""
    if generator.behavior not in ("merge", "replace"):
        return [*objects, made]
    return [
        _merged(item, made, whole=generator.behavior == "replace")
        if item.kind == made.kind and any(made.name == name for _, name in item.all_names)
        else item
        for item in objects
    ]


def _merged(item: Object, made: Object, *, whole: bool) -> Object:
    if item.generated is None or made.generated is None:
        return item
    if whole:
        return replace(item, generated=made.generated, file=made.file, line=made.line)
    return replace(
        item,
        generated=Generated(
            tuple(dict.fromkeys((*item.generated.keys, *made.generated.keys))),
            (*item.generated.files, *made.generated.files),
            item.generated.hashed,
            item.generated.complete and made.generated.complete,
            item.generated.literals or made.generated.literals,
        ),
    )


def _in_namespace(item: Object, namespace: str) -> Object:
    if item.kind == "Namespace" and item.api_version == "v1":
        return item if item.name == namespace else with_metadata(item, name=namespace)
    if item.kind in CLUSTER_SCOPED or item.namespace == namespace:
        return item
    return with_metadata(item, namespace=namespace)


def _renamed(objects: list[Object], prefix: str, suffix: str) -> list[Object]:
    """Everything with a prefix and suffix, and the references to Secrets and ConfigMaps that follow."""
    new_names = {
        (item.kind, item.namespace, item.name): f"{prefix}{item.name}{suffix}"
        for item in objects
        if item.kind not in _FIXED_NAMES
    }
    renamed = []
    for item in objects:
        data = item.data
        for use in uses(item):
            new = new_names.get((use.kind, use.namespace, use.name))
            # kustomize knows the fields of Kubernetes' own kinds only
            if new is not None and not use.likely and "." not in item.group.removesuffix(".k8s.io"):
                data = with_value(data, use.steps, new)
        changed = item if data is item.data else with_data(item, data)
        if item.kind not in _FIXED_NAMES:
            changed = with_metadata(changed, name=f"{prefix}{item.name}{suffix}")
        renamed.append(changed)
    return renamed


def component_references(path: str, components: Iterable[str], line: int) -> tuple[Reference, ...]:
    """`spec.components` of a Flux Kustomization, relative to its path; those outside are left out."""
    found = (normalise(component, path) for component in components)
    return tuple(Reference(place, line) for place in found if place is not None)
