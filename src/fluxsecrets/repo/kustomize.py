"""One kustomization file: what it refers to, and how Flux decrypts the files that its generators read.

How formats are told follows kustomize-controller: `formatForPath` and `decryptKustomizationSources`
in internal/decryptor/decryptor.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.document import Leaf, Mapping, Node
from fluxsecrets.sops.formats import format_for_path

from .manifests import child, items_of, line_of, read_documents, text_of
from .tree import Note, Tree, normalise, parent

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The names under which kustomize finds its file in a folder."""

_SUFFIX_FORMATS = (
    (".yaml", "yaml"),
    (".yml", "yaml"),
    (".json", "json"),
    (".env", "dotenv"),
    (".ini", "ini"),
)

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
    """A file that Flux decrypts by the name of its key, not by what it is.

    Attributes:
        path: relative to the root with `/`.
        format: `yaml`, `json`, `dotenv`, `ini` or `binary`: what Flux takes it for.
        line: 1-based line of the reference.
    """

    path: str
    format: str
    line: int


@dataclass(frozen=True, slots=True)
class SecretGenerator:
    """One entry of `secretGenerator`.

    Attributes:
        name: of the Secret, or None.
        line: 1-based line of the entry.
        files: what it reads.
        literals: lines of the values that stand in the kustomization file itself.
    """

    name: str | None
    line: int
    files: tuple[SourceFile, ...]
    literals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KustomizationFile:
    """What a kustomization file says, as far as files are concerned.

    Attributes:
        path: of the file.
        resources: `resources`, `bases` and `components`: files, or folders to go on with; inline
            generators and transformers are not in it.
        patches: the files of `patches`, with the format that Flux decrypts them as.
        generators: the entries of `secretGenerator`.
        config_files: files of `configMapGenerator`, which Flux does not decrypt.
        others: files that kustomize reads for other purposes, and Flux does not decrypt.
        notes: what leads elsewhere, or works differently than it looks.
    """

    path: str
    resources: tuple[Reference, ...]
    patches: tuple[SourceFile, ...]
    generators: tuple[SecretGenerator, ...]
    config_files: tuple[Reference, ...]
    others: tuple[Reference, ...]
    notes: tuple[Note, ...]


def format_for_key(key: str) -> str:
    """What Flux takes a generator's file for, by the key it gets in the Secret."""
    if key.endswith(".dockerconfigjson"):
        return "json"
    return format_for_path(key)


def format_for_env(path: str) -> str:
    """What Flux takes a file under `envs` for: by its name, dotenv where that says nothing."""
    name = format_for_key(path)
    return "dotenv" if name == "binary" else name


def is_remote(path: str) -> bool:
    """Whether kustomize would fetch a resource from elsewhere."""
    return _REMOTE.match(path) is not None


def is_kustomization_name(path: str) -> bool:
    """Whether a file is one of kustomize's own, by its name."""
    return path.rpartition("/")[2] in FILE_NAMES


def kustomization_files(tree: Tree, folder: str) -> tuple[str, ...]:
    """The kustomization files directly in a folder; more than one is an error for Flux."""
    paths = (f"{folder}/{name}" if folder else name for name in FILE_NAMES)
    return tuple(path for path in paths if path in tree.files)


def load_kustomization(tree: Tree, path: str) -> KustomizationFile:
    """Read a kustomization file of the tree.

    Raises:
        FormatError: it is no YAML, or not one map.
        FileAccessError, LimitError: it cannot be read.
    """
    return read_kustomization(tree.read(path), path, tree)


def read_kustomization(data: bytes, path: str, tree: Tree) -> KustomizationFile:
    """The same from bytes; the tree is only asked for its limits."""
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
        resources=tuple(
            reference
            for key in ("resources", "bases", "components")
            for reference in reader.references(child(root, key))
        ),
        patches=tuple(reader.patches(child(root, "patches"))),
        generators=tuple(reader.generator(node) for node in items_of(child(root, "secretGenerator"))),
        config_files=tuple(
            reference
            for node in items_of(child(root, "configMapGenerator"))
            for reference in reader.config_files(node)
        ),
        others=tuple(reader.others(root)),
        notes=tuple(reader.notes),
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
        """The place that a text means, or None and a note."""
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

    def generator(self, node: Node) -> SecretGenerator:
        files = [*self._keyed(child(node, "files"))]
        files += [
            SourceFile(found.path, format_for_env(found.path), found.line)
            for found in self.references(child(node, "envs"))
        ]
        for found in self.one(child(node, "env")):
            self.note(found.line, "Flux does not decrypt files under `env`: list the file under `envs`")
            files.append(SourceFile(found.path, format_for_env(found.path), found.line))
        literals = tuple(
            item.line
            for item in items_of(child(node, "literals"))
            if isinstance(item, Leaf) and item.value not in (None, "")
        )
        for line in literals:
            self.note(
                line,
                "a literal of a secretGenerator is plain text that Flux cannot decrypt: move it to a file",
            )
        return SecretGenerator(text_of(child(node, "name")), line_of(node) or 1, tuple(files), literals)

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
    """The note for a file of the graph that cannot be read: what it leads to is not analysed."""
    return Note(error.path or path, error.line, f"not analysed: {error.message}")
