"""One folder that kustomize builds: resources, generators, components and transformers, in its order.

The order is that of `accumulateTarget` in kustomize's api/internal/target: resources, generators, components,
transformers. What is not modelled gives an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final, Protocol

from fluxsecrets.records import replace
from fluxsecrets.repo.objects import Object, Source
from fluxsecrets.repo.outcome import Outcome
from fluxsecrets.repo.tree import Note, Tree

from .absorbing import AbsorbError, absorbed, generated_object
from .addedkeys import HINT, REASON, generated_keys
from .alike import Alike
from .built import Built, Cycle, Overlay
from .generating import content
from .identity import Identities, shown
from .kustomizationfields import COMPONENT
from .kustomizationfile import Generator, KustomizationFile, PatchEntry, Reference
from .patches import Patch
from .patchfiles import Refused
from .plugins import plugin_outcome
from .reading import kustomization_files
from .record import Record
from .resourcefile import ResourceFile
from .transforming import transform

MOST_LEVELS: Final = 100
"""Folders that include each other; Python's stack ends soon after."""

MOST_OBJECTS: Final = 20_000
"""Objects of one folder. Folders that include others twice have twice as many at each level."""

MOST_COMPONENTS: Final = 10_000
"""Components that a folder takes, counted each time."""


class Folders(Protocol):
    """What an assembly asks for: the other folders and files of its tree."""

    tree: Tree
    alike: Alike

    def include(self, folder: str, above: tuple[str, ...]) -> Built:
        """Build a folder as another kustomization file includes it."""

    def resource_file(self, path: str) -> ResourceFile:
        """Read the objects of a manifest file."""

    def kustomization(self, path: str) -> KustomizationFile | Outcome:
        """Read a kustomization file, or say why it cannot be read."""

    def patches(self, file: str, entry: PatchEntry) -> Sequence[Patch] | Refused:
        """Read the patch of an entry, or say why it cannot be read."""

    def content(self, path: str) -> bytes | None:
        """Read a generator's file."""


class Assembly(Record):
    """A folder that is being built, and what was found on the way."""

    def __init__(self, folders: Folders, above: tuple[str, ...]) -> None:
        """Take the folders that include each other, this one last."""
        super().__init__(folders.tree)
        self.folders = folders
        self.above = above
        self.components = count(1)
        self.identities = Identities()

    def run(self, folder: str, found: tuple[KustomizationFile | Outcome, ...], overlay: Overlay) -> Built:
        """Build the folder of these kustomization files; more than one is an error."""
        objects: list[Object] = []
        if not found:
            self.no_kustomization_file(folder)
        if len(found) > 1:
            first, second = kustomization_files(self.tree, folder)[:2]
            self.fails("two-kustomization-files", "found multiple kustomization files", second, None)
            message = f"Flux refuses a folder with two kustomization files, see {first}"
            self.note(Note(second, None, message, warning=True))
        for file in found:
            if isinstance(file, Outcome):
                self.unreadable(file)
            else:
                if len(self.above) > 1 and file.kind == COMPONENT:
                    reason = f"expected kind != 'Component' for path '{folder or '.'}'"
                    hint = "list it under `components`"
                    self.fails("component-as-resource", reason, file.path, 1, hint)
                objects += self.take(file, [], overlay)
        return self.built(objects)

    def no_kustomization_file(self, folder: str) -> None:
        """Note that a folder cannot be built."""
        self.note(
            Note(folder or ".", None, "not analysed: the folder has no kustomization file", warning=True)
        )

    def take(self, file: KustomizationFile, before: list[Object], overlay: Overlay) -> list[Object]:
        """The objects that a kustomization file makes of given ones and its own."""
        for note in file.notes:
            self.note(note)
        if file.path:
            self.files.add(file.path)
        self.check(file)
        self.read_along(file)
        objects = [*before]
        known = self.identities.of(before)
        for reference in file.resources:
            added = self.resource(file, reference)
            self.no_duplicates(added, known, file, reference.line)
            objects += added
            if len(objects) > MOST_OBJECTS:
                self.limit(file, reference, f"{MOST_OBJECTS:,} objects")
                objects, known = [], set()
        self.identities.keep(objects, known)
        objects = self.generate(file, objects)
        for reference in (*file.components, *overlay.components):
            objects = self.component(file, reference, objects)
        return transform(self, file, objects, overlay, self.folders.patches, self.folders.alike)

    def check(self, file: KustomizationFile) -> None:
        """What is wrong with the file itself, and what it has that is not modelled."""
        for fault in file.faults:
            # Flux reads the file of the root leniently, and writes it anew.
            outermost = len(self.above) == 1
            if not (fault.strict if outermost else fault.outermost):
                self.fails("kustomization-file-refused", fault.reason, file.path, fault.line)
        for name, line in file.not_modelled:
            self.unknown("not-modelled", f"`{name}` is not analysed", file.path, line)
            self.note(Note(file.path, line, f"`{name}` is not analysed: what it changes is not known"))
        for place in file.elsewhere:
            if place.remote:
                reason = f"{place.text!a} is fetched from elsewhere"
                self.unknown("remote-base", reason, file.path, place.line)
            else:
                reason = f"{place.text!a} leads out of the repository"
                self.fails("outside-reference", reason, file.path, place.line)
        for plugin in file.plugins:
            outcome = plugin_outcome(self.tree, self.folders.resource_file, file.path, plugin)
            if outcome is not None:
                self.outcomes[outcome] = None
                self.incomplete = True
                message = f"`{plugin.field}` is not analysed: what it changes is not known"
                self.note(Note(file.path, plugin.line, message))

    def read_along(self, file: KustomizationFile) -> None:
        """The files of generators and patches, and others that kustomize reads."""
        taken = [source for each in file.generators if each.problem is None for source in each.files]
        refused = [source for each in file.generators if each.problem is not None for source in each.files]
        found = [
            (source, self.place(file, Reference(source.path, source.line)))
            for source in (*file.patches, *taken)
        ]
        # kustomize reads nothing for a refused generator, but its files are secrets all the same.
        found += [(source, self.tree.locate(source.path)) for source in refused]
        for source, place in found:
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
        """The file or folder that a reference means; a missing one fails."""
        place = self.tree.locate(reference.path)
        if place is None:
            message = f"{reference.path!a} is not in the repository, or ignored by git"
            self.note(Note(file.path, reference.line, message, warning=True))
            reason = f"{reference.path}: no such file or directory"
            self.fails("missing-file", reason, file.path, reference.line)
        return place

    # Resources and components.

    def resource(self, file: KustomizationFile, reference: Reference) -> tuple[Object, ...]:
        """The objects of a file or folder under `resources`."""
        place = self.place(file, reference)
        if place is None:
            return ()
        if place in self.tree.folders and place not in self.tree.files:
            objects = self.folder(file, reference, place)
        else:
            read = self.folders.resource_file(place)
            self.files.add(place)
            for note in read.notes:
                self.note(note)
            if read.outcome is not None:
                self.outcomes[read.outcome] = None
                self.incomplete = True
            objects = read.objects
        if not file.path:
            return objects
        return tuple(replace(item, through=(*item.through, file.path)) for item in objects)

    def folder(self, file: KustomizationFile, reference: Reference, place: str) -> tuple[Object, ...]:
        """The objects of another folder."""
        if self.leads_back(file, reference, place) or self.is_too_deep(file, reference):
            return ()
        if not kustomization_files(self.tree, place):
            self.without_file(file, reference, place)
        built = self.folders.include(place, self.above)
        self.join(file, reference, built)
        return built.objects

    def without_file(self, file: KustomizationFile, reference: Reference, place: str) -> None:
        """A folder without a kustomization file, which only a root may be."""
        names = "'kustomization.yaml', 'kustomization.yml' or 'Kustomization'"
        reason = f"unable to find one of {names} in directory '{place or '.'}'"
        self.fails("no-kustomization-file", reason, file.path, reference.line)

    def leads_back(self, file: KustomizationFile, reference: Reference, place: str) -> bool:
        """Whether a folder is one of those that include this one, or above one, which kustomize refuses."""
        members = next(
            (
                self.above[index:]
                for index, folder in enumerate(self.above)
                if folder == place or folder.startswith(f"{place}/" if place else "")
            ),
            None,
        )
        if members is None:
            return False
        shown_members = tuple(member or "." for member in (*members, place))
        reason = (
            f"cycle detected: candidate root '{place or '.'}' contains visited root '{members[0] or '.'}'"
        )
        self.fails("include-cycle", reason, file.path, reference.line)
        if members[0] == place:
            self.cycles[Cycle("include", shown_members, file.path, reference.line)] = None
        message = f"kustomize refuses this: {' includes '.join(shown_members)}"
        self.note(Note(file.path, reference.line, message, warning=True))
        return True

    def is_too_deep(self, file: KustomizationFile, reference: Reference) -> bool:
        """Whether more folders include each other than are followed."""
        if len(self.above) < MOST_LEVELS:
            return False
        self.limit(file, reference, f"{MOST_LEVELS} folders that include each other")
        return True

    def limit(self, file: KustomizationFile, reference: Reference, amount: str) -> None:
        """Note that a build is larger than what is followed; kustomize has no limit."""
        self.note(Note(file.path, reference.line, f"not analysed: more than {amount}", warning=True))
        self.unknown("build-limit", f"more than {amount} are not followed", file.path, reference.line)

    def component(self, file: KustomizationFile, reference: Reference, objects: list[Object]) -> list[Object]:
        """A component changes everything so far, and adds its own objects."""
        place = self.place(file, reference)
        if place is None or self.leads_back(file, reference, place) or self.is_too_deep(file, reference):
            return objects
        if next(self.components) > MOST_COMPONENTS:
            self.limit(file, reference, f"{MOST_COMPONENTS:,} components")
            return objects
        found = kustomization_files(self.tree, place)
        if place in self.tree.files:
            reason = f"must build at directory: '{place}': file is not directory"
            self.fails("component-is-file", reason, file.path, reference.line)
            return objects
        if not found:
            self.no_kustomization_file(place)
            self.without_file(file, reference, place)
        if len(found) > 1:
            self.fails("two-kustomization-files", "found multiple kustomization files", found[1], None)
        inner = Assembly(self.folders, (*self.above, place))
        inner.incomplete = self.incomplete
        inner.components = self.components
        inner.identities = self.identities
        for path in found:
            component = self.folders.kustomization(path)
            if isinstance(component, Outcome):
                inner.unreadable(component)
                continue
            if component.kind != COMPONENT:
                reason = f"expected kind 'Component' for path '{place or '.'}' but got '{component.kind}'"
                inner.fails("resource-as-component", reason, path, 1, "list it under `resources`")
            objects = inner.take(component, objects, Overlay())
        self.join(file, reference, inner.built(()))
        return objects

    # Generators.

    def generate(self, file: KustomizationFile, objects: list[Object]) -> list[Object]:
        """The objects with those of all generators."""
        for kind, generators in (("ConfigMap", file.config_generators), ("Secret", file.generators)):
            for generator in generators:
                if generator.problem is not None:
                    reason, line = generator.problem
                    self.fails("generator-refused", reason, file.path, line)
                if generator.name is not None:
                    objects = self.generated(file, kind, generator, generator.name, objects)
        return objects

    def generated(
        self, file: KustomizationFile, kind: str, generator: Generator, name: str, objects: list[Object]
    ) -> list[Object]:
        """The objects with that of a generator."""
        made = content(name, generator.sources, self.read_source)
        if made.problem and not self.is_encrypted(generator):
            self.fails("generator-refused", made.problem, file.path, made.line)
        item = generated_object(kind, generator, name, made, file.path)
        for key in () if self.is_encrypted(generator) else generated_keys(item):
            self.fails("key-not-text", f"{REASON}: {key!a} in {shown(item)}", file.path, generator.line, HINT)
        try:
            return absorbed(objects, item, generator.behavior, lenient=self.incomplete)
        except AbsorbError as error:
            self.fails("generator-does-not-fit", str(error), file.path, generator.line)
        return objects

    def read_source(self, source: Source) -> bytes | None:
        """A generator's file as it is in the repository."""
        place = self.tree.locate(source.path)
        return self.folders.content(place) if place is not None and place in self.tree.files else None

    def is_encrypted(self, generator: Generator) -> bool:
        """Whether Flux decrypts a file of it, so that its keys are others."""
        contents = (self.read_source(source) for source in generator.sources if source.format)
        return any(data is not None and b"ENC[AES256_GCM" in data for data in contents)
