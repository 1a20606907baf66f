"""What kustomize makes of a folder: its objects after patches, namespaces and prefixes, and why it fails.

What a folder without a kustomization file is built of follows fluxcd/pkg's generator.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.marks import YAML_SUFFIXES
from fluxsecrets.records import replace
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import Tree, normalise

from .alike import Alike
from .assembly import Assembly
from .built import Built, Overlay
from .finishing import finished
from .kustomizationfile import KustomizationFile, PatchEntry, Reference
from .patches import Patch
from .patchfiles import Refused, read_entry
from .reading import kustomization_files, load_kustomization
from .resourcefile import ResourceFile, read_resource_file, refusal


class Builder:
    """Builds folders of a tree; each file is parsed once, and each included folder is built once."""

    def __init__(self, tree: Tree) -> None:
        """Take the files that reach Flux."""
        self.tree = tree
        self.alike = Alike()
        self._files: dict[str, ResourceFile] = {}
        self._contents: dict[str, bytes | None] = {}
        self._kustomizations: dict[str, KustomizationFile | Outcome] = {}
        self._folders: dict[str, Built] = {}
        self._patches: dict[tuple[str, PatchEntry], Sequence[Patch] | Refused] = {}
        self._roots: dict[str, tuple[Overlay | None, Built]] = {}
        self._parts: dict[tuple[int, Hashable], tuple[Tree, Builder]] = {}

    def of_part(self, whole: Tree, name: Hashable, part: Callable[[], Tree]) -> Builder:
        """The builder of a part of some files, which is the same for all that ask for that part.

        Args:
            whole: the files.
            name: what tells the part from others.
            part: makes the tree of the part.
        """
        known = self._parts.get((id(whole), name))
        if known is None:
            known = self._parts[id(whole), name] = (whole, Builder(part()))
        return known[1]

    def build(self, folder: str, overlay: Overlay | None = None) -> Built:
        """Build a folder as kustomize-controller does, with or without a kustomization file.

        Environments that apply a folder in the same way, one after the other, get the same objects.
        """
        if overlay is not None and overlay.patches:  # 1 and true are equal in patches, and not the same
            return finished(self._outermost(folder, overlay))
        known = self._roots.get(folder)
        if known is None or known[0] != overlay:
            known = self._roots[folder] = (overlay, finished(self._outermost(folder, overlay)))
        return known[1]

    def _outermost(self, folder: str, overlay: Overlay | None) -> Built:
        if overlay is None:
            return self.include(folder, ())
        found = self._kustomizations_of(folder, automatic=True)
        return Assembly(self, (folder,)).run(folder, found, overlay)

    def include(self, folder: str, above: tuple[str, ...]) -> Built:
        """Build a folder as another kustomization file includes it.

        Args:
            folder: in the tree.
            above: the folders that include each other, the outermost first; empty for a root.
        """
        # Flux reads the file of a root leniently, and only a root may do without one.
        key = f"{folder}/" if above else folder
        known = self._folders.get(key)
        if known is None:
            found = self._kustomizations_of(folder, automatic=not above)
            known = Assembly(self, (*above, folder)).run(folder, found, Overlay())
            if not known.cycles:  # what was cut off because of where we came from is not what others get
                self._folders[key] = known
        return known

    def resource_file(self, path: str) -> ResourceFile:
        """The objects of a manifest file, and what is wrong with it."""
        if path not in self._files:
            self._files[path] = read_resource_file(self.tree, path)
        return self._files[path]

    def patches(self, file: str, entry: PatchEntry) -> Sequence[Patch] | Refused:
        """The patch of an entry of a kustomization file; a component's is read once for all that take it."""
        key = (file, entry)
        if key not in self._patches:
            self._patches[key] = read_entry(self.tree, file, entry)
        return self._patches[key]

    def content(self, path: str) -> bytes | None:
        """The bytes of a generator's file as they are in the repository, or None if it cannot be read."""
        if path not in self._contents:
            try:
                self._contents[path] = self.tree.read(path)
            except FluxsecretsError:
                self._contents[path] = None
        return self._contents[path]

    def kustomization(self, path: str) -> KustomizationFile | Outcome:
        """A kustomization file, or why it cannot be read."""
        if path not in self._kustomizations:
            try:
                self._kustomizations[path] = load_kustomization(self.tree, path)
            except FormatError as error:
                outcome = refusal(self.tree, path, error)
                if outcome.behaviour == "duplicate-key":  # kustomize takes the last one
                    outcome = replace(outcome, effect=Effect.UNKNOWN, behaviour="unreadable-kustomization")
                self._kustomizations[path] = outcome
            except FluxsecretsError as error:
                self._kustomizations[path] = Outcome(
                    Effect.UNKNOWN, "unreadable-kustomization", error.message, path, error.line
                )
        return self._kustomizations[path]

    def _kustomizations_of(self, folder: str, *, automatic: bool) -> tuple[KustomizationFile | Outcome, ...]:
        found = kustomization_files(self.tree, folder)
        if found:
            return tuple(self.kustomization(path) for path in found)
        if automatic:
            resources = tuple(Reference(path, 1) for path in self.scan(folder))
            return (KustomizationFile("", resources),)
        return ()

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


def component_references(path: str, components: Iterable[str], line: int) -> tuple[Reference, ...]:
    """`spec.components` of a Flux Kustomization, relative to its path; those outside are left out."""
    found = (normalise(component, path) for component in components)
    return tuple(Reference(place, line) for place in found if place is not None)
