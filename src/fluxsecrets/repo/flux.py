"""The graph that Flux builds from a folder: kustomization files, manifests, Flux Kustomizations.

Behaviour follows kustomize-controller: a folder without a kustomization file is taken with all its
manifests, a folder below it that has one is built by that, `spec.path` starts at the source's root.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.document import Node

from .kustomize import KustomizationFile, Reference, kustomization_files, load_kustomization, unreadable
from .manifests import Manifest, child, items_of, read_manifests, text_of
from .tree import Note, Tree, normalise

KUSTOMIZE_GROUP = "kustomize.toolkit.fluxcd.io"
SOURCE_GROUP = "source.toolkit.fluxcd.io"

_FLUX_MARK = b"toolkit.fluxcd.io"

# What Flux's source-controller leaves out of every artifact (its default exclusions), as far as it is YAML.
_EXCLUDED = re.compile(
    r"(?:^|/)(?:\.github|\.circleci)/"
    r"|(?:^|/)(?:\.travis\.yml|\.gitlab-ci\.yml|appveyor\.yml|\.drone\.yml|cloudbuild\.yaml|codeship-services\.yml"
    r"|codeship-steps\.yml|\.goreleaser\.ya?ml|\.sops\.yaml|\.flux\.yaml)$"
)


@dataclass(frozen=True, slots=True)
class SourceRef:
    """What a Flux Kustomization is built from."""

    kind: str
    namespace: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Decryption:
    """`spec.decryption` of a Flux Kustomization."""

    provider: str | None
    secret: str | None


@dataclass(frozen=True, slots=True)
class FluxKustomization:
    """A Flux Kustomization as it is written; what parents patch into it is not applied.

    Attributes:
        name, namespace: of its metadata; the namespace may come from a kustomization file above.
        path: `spec.path` relative to the source's root, `""` for the root; None where it leads out
            of it or holds a variable.
        components: `spec.components`, relative to `path`.
        source: `spec.sourceRef`, or None where it is missing.
        decryption: or None.
        depends_on: (namespace or None, name) of each.
        suspend: Flux does not reconcile it.
        file, line: where it is written.
    """

    name: str
    namespace: str | None
    path: str | None
    components: tuple[str, ...]
    source: SourceRef | None
    decryption: Decryption | None
    depends_on: tuple[tuple[str | None, str], ...]
    suspend: bool
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class GitSource:
    """A GitRepository manifest."""

    name: str
    namespace: str | None
    url: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Graph:
    """What Flux reaches from a folder.

    Attributes:
        files: every file that is read on the way: manifests, kustomization files, what generators
            and patches name. Paths relative to the root with `/`.
        decrypted_as: files that Flux decrypts by their key's name, with the format it takes them for.
        folders: the folders that are built: the start and each `spec.path` that was followed.
        kustomizations: Flux Kustomizations, in order of file and line.
        sources: GitRepository manifests.
        notes: what was not followed, and why.
    """

    files: frozenset[str]
    decrypted_as: Mapping[str, str]
    folders: tuple[str, ...]
    kustomizations: tuple[FluxKustomization, ...]
    sources: tuple[GitSource, ...]
    notes: tuple[Note, ...]


def read_flux(manifest: Manifest, file: str) -> FluxKustomization | GitSource | None:
    """A manifest as one of Flux's own kinds that the graph is made of, or None."""
    if manifest.name is None:
        return None
    spec = manifest.node.get("spec")
    if manifest.group == SOURCE_GROUP and manifest.kind == "GitRepository":
        url = text_of(child(spec, "url")) or ""
        return GitSource(manifest.name, manifest.namespace, url, file, manifest.line)
    if manifest.group != KUSTOMIZE_GROUP or manifest.kind != "Kustomization":
        return None
    path = text_of(child(spec, "path")) or ""
    return FluxKustomization(
        name=manifest.name,
        namespace=manifest.namespace,
        path=None if "$" in path else normalise(path.lstrip("/")),
        components=tuple(text for item in items_of(child(spec, "components")) if (text := text_of(item))),
        source=_source_ref(child(spec, "sourceRef")),
        decryption=_decryption(child(spec, "decryption")),
        depends_on=tuple(
            (text_of(child(item, "namespace")), name)
            for item in items_of(child(spec, "dependsOn"))
            if (name := text_of(child(item, "name")))
        ),
        suspend=_is_true(child(spec, "suspend")),
        file=file,
        line=manifest.line,
    )


def walk(tree: Tree, root: str) -> Graph:
    """Follow everything that Flux would, from a folder on.

    Nothing outside of the tree is read, every folder and file once; what cannot be followed or read
    is noted. A Flux Kustomization whose source is another repository is noted and not followed.

    Args:
        tree: the repository.
        root: the folder that the environment's own Kustomization syncs.
    """
    walker = _Walker(tree)
    walker.build(root)
    sync = None
    done: set[FluxKustomization] = set()
    while True:
        waiting = [item for item in walker.kustomizations if item not in done]
        if not waiting:
            break
        sync = sync or _sync_source(walker.kustomizations, root)
        # Whose source is the sync's own first: they may bring the GitRepository that judges the others
        ours = [item for item in waiting if item.source == sync] or waiting
        for item in ours:
            done.add(item)
            reason = _reason_against(item, sync, walker.sources)
            if reason is None:
                walker.follow(item)
            else:
                walker.note(Note(item.file, item.line, f"Kustomization {item.name!a}: {reason}"))
    return walker.graph()


@dataclass(slots=True)
class _Walker:
    """What has been reached so far."""

    tree: Tree
    files: set[str] = field(default_factory=set)
    manifests: set[str] = field(default_factory=set)
    decrypted_as: dict[str, str] = field(default_factory=dict)
    built: list[str] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    kustomizations: list[FluxKustomization] = field(default_factory=list)
    sources: list[GitSource] = field(default_factory=list)
    notes: dict[Note, None] = field(default_factory=dict)

    def graph(self) -> Graph:
        return Graph(
            files=frozenset(self.files),
            decrypted_as=dict(sorted(self.decrypted_as.items())),
            folders=tuple(self.built),
            kustomizations=tuple(sorted(self.kustomizations, key=lambda item: (item.file, item.line))),
            sources=tuple(sorted(self.sources, key=lambda item: (item.file, item.line))),
            notes=tuple(sorted(self.notes, key=lambda note: (note.path, note.line or 0, note.message))),
        )

    def note(self, note: Note) -> None:
        self.notes[note] = None

    def follow(self, item: FluxKustomization) -> None:
        """Build `spec.path` and `spec.components`."""
        if item.path is None:
            self.note(Note(item.file, item.line, f"Kustomization {item.name!a}: its path is not followed"))
            return
        for path in (item.path, *(normalise(component, item.path) for component in item.components)):
            place = None if path is None else self.tree.locate(path)
            if place is None or place not in self.tree.folders:
                shown = ascii(path) if path is not None else "a component outside of the repository"
                self.note(
                    Note(item.file, item.line, f"Kustomization {item.name!a}: {shown} is no folder here")
                )
                continue
            self.build(place)

    def build(self, folder: str) -> None:
        """A folder as the controller builds it, with or without a kustomization file."""
        if folder not in self.built:
            self.built.append(folder)
        if kustomization_files(self.tree, folder):
            self.kustomize(folder)
            return
        own: set[str] = set()  # folders that bring their own kustomization file, or lie below one
        for path in self.tree.below(folder):
            here = self._kustomized_above(path, folder, own)
            if here is not None:
                self.kustomize(here)
            elif path.endswith((".yaml", ".yml")) and not _EXCLUDED.search(path):
                self.manifest(path)

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

    def kustomize(self, start: str) -> None:
        """A folder with a kustomization file, and all the folders that it includes."""
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            if folder in self.folders:
                continue
            self.folders.add(folder)
            found = kustomization_files(self.tree, folder)
            if not found:
                self.note(Note(folder or ".", None, "not analysed: the folder has no kustomization file"))
                continue
            if len(found) > 1:
                self.note(
                    Note(
                        found[1], None, f"Flux refuses a folder with two kustomization files, see {found[0]}"
                    )
                )
            for path in found:
                self.files.add(path)
                try:
                    waiting += self._take(load_kustomization(self.tree, path))
                except FluxsecretsError as error:
                    self.note(unreadable(path, error))

    def _take(self, file: KustomizationFile) -> list[str]:
        """Add what a kustomization file names; returns the folders to go on with."""
        for note in file.notes:
            self.note(note)
        folders = []
        for reference in file.resources:
            place = self._place(file, reference)
            if place is None:
                continue
            if place in self.tree.folders and place not in self.tree.files:
                folders.append(place)
            else:
                self.manifest(place)
        for source in (*file.patches, *(each for generator in file.generators for each in generator.files)):
            place = self._place(file, Reference(source.path, source.line))
            if place in self.tree.files and place is not None:
                self.files.add(place)
                known = self.decrypted_as.setdefault(place, source.format)
                if known != source.format:
                    message = f"{place!a} is read as {source.format} here, and as {known} elsewhere"
                    self.note(Note(file.path, source.line, message))
        for reference in (*file.config_files, *file.others):
            place = self._place(file, reference)
            if place in self.tree.files:
                self.files.add(place)
        return folders

    def _place(self, file: KustomizationFile, reference: Reference) -> str | None:
        place = self.tree.locate(reference.path)
        if place is None:
            self.note(
                Note(
                    file.path,
                    reference.line,
                    f"{reference.path!a} is not in the repository, or ignored by git",
                )
            )
        return place

    def manifest(self, path: str) -> None:
        """A manifest file; parsed only where it may hold Flux's own kinds."""
        if path in self.manifests:
            return
        self.manifests.add(path)
        self.files.add(path)
        try:
            if self.tree.size(path) is None:  # a symbolic link: what it stands for has its own name
                return
            data = self.tree.read(path)
            if _FLUX_MARK not in data:
                return
            for manifest in read_manifests(data, path, self.tree.limits).manifests:
                found = read_flux(manifest, path)
                if isinstance(found, GitSource):
                    self.sources.append(found)
                elif found is not None:
                    self.kustomizations.append(found)
        except FluxsecretsError as error:
            self.note(unreadable(path, error))


def _sync_source(kustomizations: list[FluxKustomization], root: str) -> SourceRef | None:
    """The source of the Kustomization that syncs the root itself: this repository by definition."""
    for item in kustomizations:
        if item.path == root and item.source is not None and item.source.kind == "GitRepository":
            return item.source
    return None


def _reason_against(item: FluxKustomization, sync: SourceRef | None, sources: list[GitSource]) -> str | None:
    """Why a Kustomization is not followed, or None."""
    source = item.source
    if source is None:
        return "not followed, it has no source"
    if source.kind != "GitRepository":
        return f"not followed, its source is the {ascii(source.kind)[1:-1]} {source.name!a}"
    if sync is None or source.name == sync.name:
        return None
    ours = {_same_address(each.url) for each in sources if each.name == sync.name}
    theirs = {_same_address(each.url) for each in sources if each.name == source.name}
    if theirs and not theirs & ours:
        return f"not followed, its source {source.name!a} is another repository"
    return None


def _same_address(url: str) -> str:
    """A repository's address without what may differ: scheme, user, port, `.git`."""
    match = re.match(
        r"(?:[a-z+]+://)?(?:[^@/]*@)?([^/:]+)(?::\d+(?=/))?[:/]+(.*)", url.strip(), re.IGNORECASE
    )
    if match is None:
        return url
    return f"{match[1]}/{match[2].strip('/').removesuffix('.git')}".lower()


def _source_ref(node: Node | None) -> SourceRef | None:
    kind, name = text_of(child(node, "kind")), text_of(child(node, "name"))
    return SourceRef(kind, text_of(child(node, "namespace")), name) if kind and name else None


def _decryption(node: Node | None) -> Decryption | None:
    if node is None:
        return None
    return Decryption(text_of(child(node, "provider")), text_of(child(node, "secretRef", "name")))


def _is_true(node: Node | None) -> bool:
    return getattr(node, "value", None) is True
