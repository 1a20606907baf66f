"""One kustomization file: what it refers to, and how Flux decrypts the files that its generators read.

How formats are told follows kustomize-controller: `formatForPath` and `decryptKustomizationSources`
in internal/decryptor/decryptor.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import KUSTOMIZATION_NAMES
from fluxsecrets.sops.document import Data, Entry, Leaf, Mapping, Node, to_data
from fluxsecrets.sops.formats import format_for_path

from .manifests import child, items_of, line_of, pairs, read_documents, text_of
from .patches import Target, read_target
from .tree import UNREADABLE, Note, Tree, normalise, parent

# A scheme, an scp-like address, or a host that kustomize knows without a scheme.
_REMOTE = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*::?//|git::|[\w.-]+@[\w.-]+[:/]|(?:github\.com|gitlab\.com|bitbucket\.org)[:/])|.*[?&](?:ref|version)="
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A path in a kustomization file.

    Attributes:
        path: relative to the root of the repository with `/`; `""` is the root itself.
        line: 1-based line of the reference.
    """

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that Flux decrypts by the name of its key, not by its content.

    Attributes:
        path: relative to the root with `/`.
        format: `yaml`, `json`, `dotenv`, `ini` or `binary`: what Flux takes it for.
        line: 1-based line of the reference.
    """

    path: str
    format: str
    line: int


@dataclass(frozen=True, slots=True)
class Generator:
    """One entry of `secretGenerator` or `configMapGenerator`.

    Attributes:
        name: of what it makes, or None.
        line: 1-based line of the entry.
        files: what it reads; of a ConfigMap's, Flux decrypts none.
        literals: lines of the values that stand in the kustomization file itself.
        keys: of the data, those that the entry names.
        complete: these are all keys; False where a file holds more of them.
        namespace: or None.
        behavior: `create`, `merge` or `replace`.
        hashed: the name gets a hash of the content at its end.
    """

    name: str | None
    line: int
    files: tuple[SourceFile, ...]
    literals: tuple[int, ...]
    keys: tuple[str, ...] = ()
    complete: bool = True
    namespace: str | None = None
    behavior: str = "create"
    hashed: bool = True


@dataclass(frozen=True, slots=True)
class PatchEntry:
    """One entry of `patches`, `patchesStrategicMerge` or `patchesJson6902`.

    Attributes:
        line: 1-based line of the entry.
        target: what it is for, or None.
        path: the file that holds it, or None.
        inline: the patch itself, where it stands in the kustomization file.
    """

    line: int
    target: Target | None
    path: Reference | None
    inline: str | None


@dataclass(frozen=True, slots=True)
class ReplacementEntry:
    """One entry of `replacements`.

    Attributes:
        line: 1-based line of the entry.
        path: the file that holds it, or None.
        inline: the replacement itself, where it stands in the kustomization file.
    """

    line: int
    path: Reference | None
    inline: Data = None


@dataclass(frozen=True, slots=True)
class KustomizationFile:
    """What a kustomization file says.

    Attributes:
        resources: `resources` and `bases`: files, or folders to go on with; inline generators and
            transformers are not in it.
        patches: the files of `patches`, with the format that Flux decrypts them as.
        generators: the entries of `secretGenerator`.
        config_generators: those of `configMapGenerator`.
        config_files: files of `configMapGenerator`, which Flux does not decrypt.
        others: files that kustomize reads for other purposes, and Flux does not decrypt.
        edits: all patches, in the order in which kustomize applies them.
        replacements: the entries of `replacements`.
        namespace, name_prefix, name_suffix: what it sets on everything, or None.
        labels, annotations: what it adds to everything.
        not_modelled: fields that change objects in ways that are not followed here, with their lines.
        notes: what leads elsewhere, or works differently than it looks.
    """

    path: str
    resources: tuple[Reference, ...] = ()
    components: tuple[Reference, ...] = ()
    patches: tuple[SourceFile, ...] = ()
    generators: tuple[Generator, ...] = ()
    config_generators: tuple[Generator, ...] = ()
    config_files: tuple[Reference, ...] = ()
    others: tuple[Reference, ...] = ()
    edits: tuple[PatchEntry, ...] = ()
    replacements: tuple[ReplacementEntry, ...] = ()
    namespace: str | None = None
    name_prefix: str | None = None
    name_suffix: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    not_modelled: tuple[tuple[str, int], ...] = ()
    notes: tuple[Note, ...] = ()


def format_for_key(key: str) -> str:
    """The format in which Flux decrypts a generator's file: its key in the Secret decides."""
    if key.endswith(".dockerconfigjson"):
        return "json"
    return format_for_path(key)


def format_for_env(path: str) -> str:
    """The format in which Flux decrypts a file under `envs`: by its name, or else dotenv."""
    name = format_for_key(path)
    return "dotenv" if name == "binary" else name


def is_remote(path: str) -> bool:
    """Whether kustomize would fetch a resource from a remote place."""
    return _REMOTE.match(path) is not None


def kustomization_files(tree: Tree, folder: str) -> tuple[str, ...]:
    """The kustomization files directly in a folder; more than one is an error for Flux."""
    paths = (f"{folder}/{name}" if folder else name for name in KUSTOMIZATION_NAMES)
    return tuple(path for path in paths if path in tree.files)


def load_kustomization(tree: Tree, path: str) -> KustomizationFile:
    """Read a kustomization file of the tree.

    Raises:
        FormatError: it is not YAML, or not one map.
        FileAccessError, LimitError: it cannot be read.
    """
    return read_kustomization(tree.read(path), path, tree)


def read_kustomization(data: bytes, path: str, tree: Tree) -> KustomizationFile:
    """The same from bytes; of the tree only the limits are used."""
    documents = [
        node
        for node in read_documents(data, path, tree.limits)
        if not (isinstance(node, Leaf) and node.value is None)
    ]
    root = documents[0] if documents else None
    reader = _Reader(path)
    if len(documents) > 1:
        reader.note(line_of(documents[1]), "kustomize reads one document only, the others are not followed")
    return KustomizationFile(
        path=path,
        resources=(
            *reader.references(child(root, "resources")),
            *reader.references(child(root, "bases")),
        ),
        components=tuple(reader.references(child(root, "components"))),
        patches=tuple(reader.patches(child(root, "patches"))),
        generators=tuple(reader.generator(node, root) for node in items_of(child(root, "secretGenerator"))),
        config_generators=tuple(
            reader.config_generator(node, root) for node in items_of(child(root, "configMapGenerator"))
        ),
        config_files=tuple(
            reference
            for node in items_of(child(root, "configMapGenerator"))
            for reference in reader.config_files(node)
        ),
        others=tuple(reader.others(root)),
        edits=tuple(reader.edits(root)),
        replacements=tuple(reader.replacements(root)),
        namespace=text_of(child(root, "namespace")) or None,
        name_prefix=text_of(child(root, "namePrefix")) or None,
        name_suffix=text_of(child(root, "nameSuffix")) or None,
        labels=tuple(reader.labels(root)),
        annotations=tuple(pairs(_data(child(root, "commonAnnotations"))).items()),
        not_modelled=tuple(reader.not_modelled(root)),
        notes=tuple(reader.notes),
    )


def _data(node: Node | None) -> object:
    return None if node is None else to_data(node)


_NOT_MODELLED = (
    "vars",
    "transformers",
    "generators",
    "helmCharts",
    "helmChartInflationGenerator",
)


class _Reader:
    """Turns nodes into references and collects the notes of one file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder = parent(path)
        self.notes: list[Note] = []

    def note(self, line: int | None, message: str) -> None:
        self.notes.append(Note(self.path, line, message))

    def locate(self, node: Leaf, text: str) -> Reference | None:
        """The place that a text names, or None and a note."""
        if is_remote(text):
            self.note(node.line, f"{text!a} is fetched from elsewhere, not followed")
            return None
        found = normalise(text, self.folder)
        if found is None:
            self.note(node.line, f"{text!a} leads out of the repository, not followed")
            return None
        return Reference(found, node.line)

    def references(self, node: Node | None) -> Iterator[Reference]:
        for item in items_of(node):
            text = text_of(item)
            # A text with line breaks is an object written in place
            if isinstance(item, Leaf) and text and "\n" not in text:
                found = self.locate(item, text)
                if found is not None:
                    yield found

    def one(self, node: Node | None) -> Iterator[Reference]:
        text = text_of(node)
        if isinstance(node, Leaf) and text:
            found = self.locate(node, text)
            if found is not None:
                yield found

    def patches(self, node: Node | None) -> Iterator[SourceFile]:
        for item in items_of(node):
            for found in self.one(child(item, "path")):
                yield SourceFile(found.path, format_for_key(found.path), found.line)

    def edits(self, root: Node | None) -> Iterator[PatchEntry]:
        """All patches; `patches` and `others` made notes of their places."""
        for item in items_of(child(root, "patchesStrategicMerge")):
            yield from self.edit(item, item, None)
        for item in items_of(child(root, "patches")):
            target = read_target(_data(child(item, "target")))
            yield from self.edit(child(item, "path"), child(item, "patch"), target)
        for item in items_of(child(root, "patchesJson6902")):
            target = read_target(_data(child(item, "target")))
            yield from self.edit(child(item, "path"), child(item, "patch"), target)

    def edit(self, path: Node | None, inline: Node | None, target: Target | None) -> Iterator[PatchEntry]:
        text, name = text_of(inline), text_of(path)
        if isinstance(inline, Leaf) and text and (inline is not path or "\n" in text):
            yield PatchEntry(inline.line, target, None, text)
        elif isinstance(path, Leaf) and name and not is_remote(name):
            found = normalise(name, self.folder)
            if found is not None:
                yield PatchEntry(path.line, target, Reference(found, path.line), None)

    def replacements(self, root: Node | None) -> Iterator[ReplacementEntry]:
        for item in items_of(child(root, "replacements")):
            path, line = text_of(child(item, "path")), line_of(item) or 1
            found = normalise(path, self.folder) if path else None
            if found is not None:
                yield ReplacementEntry(line, Reference(found, line))
            elif not path:
                yield ReplacementEntry(line, None, to_data(item))

    def labels(self, root: Node | None) -> Iterator[tuple[str, str]]:
        yield from pairs(_data(child(root, "commonLabels"))).items()
        for item in items_of(child(root, "labels")):
            yield from pairs(_data(child(item, "pairs"))).items()

    def not_modelled(self, root: Node | None) -> Iterator[tuple[str, int]]:
        for entry in root.entries if isinstance(root, Mapping) else ():
            if isinstance(entry, Entry) and entry.key in _NOT_MODELLED and items_of(entry.value):
                yield entry.key, entry.line

    def generator(self, node: Node, root: Node | None) -> Generator:
        made = self._generator(node, root)
        for found in self.one(child(node, "env")):
            self.note(found.line, "Flux does not decrypt files under `env`: list the file under `envs`")
        for line in made.literals:
            self.note(
                line,
                "a literal of a secretGenerator is plain text that Flux cannot decrypt: move it to a file",
            )
        return made

    def config_generator(self, node: Node, root: Node | None) -> Generator:
        """One of `configMapGenerator`; notes on where its files are come from `config_files`."""
        known = len(self.notes)
        made = self._generator(node, root)
        del self.notes[known:]
        return made

    def _generator(self, node: Node, root: Node | None) -> Generator:
        files = [*self._keyed(child(node, "files"))]
        envs = [
            SourceFile(found.path, format_for_env(found.path), found.line)
            for part in (self.references(child(node, "envs")), self._quietly(child(node, "env")))
            for found in part
        ]
        literals = [
            item
            for item in items_of(child(node, "literals"))
            if isinstance(item, Leaf) and item.value not in (None, "")
        ]
        keys = [
            key if separator else key.rpartition("/")[2]
            for item in items_of(child(node, "files"))
            if (text := text_of(item))
            for key, separator, _ in (text.partition("="),)
        ]
        keys += [str(item.value).partition("=")[0] for item in literals]
        options, general = child(node, "options"), child(root, "generatorOptions")
        plain_name = any(
            getattr(child(part, "disableNameSuffixHash"), "value", None) is True
            for part in (options, general)
        )
        return Generator(
            text_of(child(node, "name")),
            line_of(node) or 1,
            (*files, *envs),
            tuple(item.line for item in literals),
            tuple(dict.fromkeys(keys)),
            not envs,
            text_of(child(node, "namespace")),
            text_of(child(node, "behavior")) or "create",
            not plain_name,
        )

    def _quietly(self, node: Node | None) -> Iterator[Reference]:
        """A reference; the caller makes the note."""
        known = len(self.notes)
        yield from self.one(node)
        del self.notes[known:]

    def config_files(self, node: Node) -> Iterator[Reference]:
        yield from (Reference(file.path, file.line) for file in self._keyed(child(node, "files")))
        yield from self.references(child(node, "envs"))
        yield from self.one(child(node, "env"))

    def others(self, root: Node | None) -> Iterator[Reference]:
        if not isinstance(root, Mapping):
            return
        for key in (
            "patchesStrategicMerge",
            "crds",
            "configurations",
            "generators",
            "transformers",
            "validators",
        ):
            yield from self.references(root.get(key))
        for key in ("patchesJson6902", "replacements"):
            for item in items_of(root.get(key)):
                yield from self.one(child(item, "path"))
        for chart in items_of(root.get("helmCharts")):
            yield from self.one(child(chart, "valuesFile"))
            yield from self.references(child(chart, "additionalValuesFiles"))
        yield from self.one(child(root, "openapi", "path"))

    def _keyed(self, node: Node | None) -> Iterator[SourceFile]:
        """`[key=]path`, split at the first `=`; without a key the whole path decides the format."""
        for item in items_of(node):
            text = text_of(item)
            if not isinstance(item, Leaf) or not text:
                continue
            key, separator, path = text.partition("=")
            found = self.locate(item, path if separator else key)
            if found is not None:
                yield SourceFile(found.path, format_for_key(key), found.line)


def unreadable(path: str, error: FluxsecretsError) -> Note:
    """The note for a file of the graph that cannot be read, so what it leads to is not analysed."""
    return Note(error.path or path, error.line, f"{UNREADABLE}{error.message}", warning=True)
