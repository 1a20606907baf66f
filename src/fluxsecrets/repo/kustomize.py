"""One kustomization file: what it refers to, and how Flux decrypts the files that its generators read.

How formats are told follows kustomize-controller: `formatForPath` and `decryptKustomizationSources`
in internal/decryptor/decryptor.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.marks import KUSTOMIZATION_NAMES
from fluxsecrets.sops.document import Data, Entry, Leaf, Mapping, Node, to_data
from fluxsecrets.sops.formats import format_for_path
from fluxsecrets.sops.formats.yaml import load_documents

from .generating import Origin, Source
from .kustomizationfields import Fault, faults, in_case, kind_of
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
class Elsewhere:
    """A path that leads out of the repository.

    Attributes:
        text: as it is written.
        line: 1-based line of the reference.
        remote: kustomize would fetch it.
    """

    text: str
    line: int
    remote: bool


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
        sources: of the values, in kustomize's order.
        type: of the Secret, or None.
        labels, annotations, immutable: what `options` and `generatorOptions` add.
        problem: why kustomize refuses the entry, and the line; or None.
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
    sources: tuple[Source, ...] = ()
    type: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    immutable: bool = False
    problem: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class PatchEntry:
    """One entry of `patches`, `patchesStrategicMerge` or `patchesJson6902`.

    Attributes:
        line: 1-based line of the entry.
        target: what it is for, or None.
        path: the file that holds it, or None.
        inline: the patch itself, where it stands in the kustomization file.
        field: which of these it is of.
        renames, changes_kind: `options` that let it set the name and the kind.
    """

    line: int
    target: Target | None
    path: Reference | None
    inline: str | None
    field: str = "patches"
    renames: bool = False
    changes_kind: bool = False


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
class Plugin:
    """One entry of `generators`, `transformers` or `validators`.

    Attributes:
        field: which of them.
        line: 1-based line of the entry.
        path: the file or folder with its configuration, or None.
        inline: the configuration itself, where it is in the kustomization file.
    """

    field: str
    line: int
    path: Reference | None
    inline: str | None


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
        kind: `Kustomization` or `Component`.
        faults: what kustomize refuses in it.
        elsewhere: paths that lead out of the repository.
        replicas: the entries of `replicas`: name, count and line.
        plugins: files and folders with configurations of plug-ins, by field.
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
    kind: str = "Kustomization"
    faults: tuple[Fault, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    replicas: tuple[tuple[str, int, int], ...] = ()
    plugins: tuple[Plugin, ...] = ()


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
    documents = [node for node in _documents(data, path, tree) if getattr(node, "value", node) is not None]
    root = in_case(documents[0]) if documents else None
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
        namespace=_name(child(root, "namespace")),
        name_prefix=_name(child(root, "namePrefix")),
        name_suffix=_name(child(root, "nameSuffix")),
        labels=tuple(reader.labels(root)),
        annotations=tuple(pairs(_data(child(root, "commonAnnotations"))).items()),
        not_modelled=tuple(reader.not_modelled(root)),
        replicas=tuple(reader.replicas(root)),
        plugins=tuple(reader.plugins(root)),
        notes=tuple(reader.notes),
        kind=kind_of(root),
        faults=(*faults(root), *reader.faults),
        elsewhere=tuple(reader.elsewhere),
    )


def _documents(data: bytes, path: str, tree: Tree) -> tuple[Node, ...]:
    """The documents of a kustomization file, in which the last of several equal keys counts."""
    try:
        return read_documents(data, path, tree.limits)
    except FormatError:
        try:
            return load_documents(data, tree.limits, last_wins=True)
        except FluxsecretsError as error:
            raise error.in_file(path) from None


def _name(node: Node | None) -> str | None:
    """A name or namespace; a number and a boolean count as they are written."""
    return pairs({"": _data(node)}).get("") or None


def _data(node: Node | None) -> object:
    return None if node is None else to_data(node)


_NOT_MODELLED = ("vars",)
_PLUGINS = ("generators", "transformers", "validators")


class _Reader:
    """Turns nodes into references and collects the notes of one file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder = parent(path)
        self.notes: list[Note] = []
        self.faults: list[Fault] = []
        self.elsewhere: dict[Elsewhere, None] = {}

    def note(self, line: int | None, message: str) -> None:
        self.notes.append(Note(self.path, line, message))

    def locate(self, node: Leaf, text: str) -> Reference | None:
        """The place that a text names, or None and a note."""
        if is_remote(text):
            self.elsewhere[Elsewhere(text, node.line, remote=True)] = None
            self.note(node.line, f"{text!a} is fetched from elsewhere, not followed")
            return None
        found = normalise(text, self.folder)
        if found is None:
            self.elsewhere[Elsewhere(text, node.line, remote=False)] = None
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
            path, patch, options = child(item, "path"), child(item, "patch"), child(item, "options")
            yield from self.edit(path, patch, target, options, "patches", line_of(item) or 1)
        for item in items_of(child(root, "patchesJson6902")):
            target = read_target(_data(child(item, "target")))
            if target is None or not target.name:
                self.faults.append(Fault("must specify the target name", line_of(item) or 1))
            yield from self.edit(child(item, "path"), child(item, "patch"), target, field="patchesJson6902")

    def edit(
        self,
        path: Node | None,
        inline: Node | None,
        target: Target | None,
        options: Node | None = None,
        field: str = "patchesStrategicMerge",
        line: int = 1,
    ) -> Iterator[PatchEntry]:
        text, name = text_of(inline), text_of(path)
        if field != "patchesStrategicMerge" and bool(text and text.strip()) == bool(name):
            both, none = "patch and path can't be set at the same time", "must specify one of patch and path"
            self.faults.append(Fault(both if name else none, line_of(path) or line_of(inline) or line))
            return
        if isinstance(inline, Leaf) and text and (inline is not path or "\n" in text):
            yield PatchEntry(inline.line, target, None, text, field, *_allowed(options))
        elif isinstance(path, Leaf) and name and not is_remote(name):
            found = normalise(name, self.folder)
            if found is not None:
                place = Reference(found, path.line)
                yield PatchEntry(path.line, target, place, None, field, *_allowed(options))

    def replacements(self, root: Node | None) -> Iterator[ReplacementEntry]:
        for item in items_of(child(root, "replacements")):
            path, line = text_of(child(item, "path")), line_of(item) or 1
            found = normalise(path, self.folder) if path else None
            if found is not None:
                yield ReplacementEntry(line, Reference(found, line))
            elif not path:
                yield ReplacementEntry(line, None, to_data(item))

    def replicas(self, root: Node | None) -> Iterator[tuple[str, int, int]]:
        for item in items_of(child(root, "replicas")):
            count = getattr(child(item, "count"), "value", None)
            yield (
                text_of(child(item, "name")) or "",
                count if isinstance(count, int) else 0,
                line_of(item) or 1,
            )

    def plugins(self, root: Node | None) -> Iterator[Plugin]:
        for field in _PLUGINS:
            for item in items_of(child(root, field)):
                text = text_of(item)
                if not isinstance(item, Leaf) or not text:
                    continue
                if "\n" in text:
                    yield Plugin(field, item.line, None, text)
                elif not is_remote(text) and (found := normalise(text, self.folder)) is not None:
                    yield Plugin(field, item.line, Reference(found, item.line), None)
        order = text_of(child(root, "sortOptions", "order"))
        if child(root, "sortOptions") is not None and order not in ("fifo", "legacy"):
            reason = "the field 'sortOptions.order' must be one of [fifo, legacy]"
            self.faults.append(Fault(reason, line_of(child(root, "sortOptions")), outermost=True))
        for field in ("helmCharts", "helmChartInflationGenerator"):
            for item in items_of(child(root, field)):
                self.faults.append(
                    Fault(
                        "trouble configuring builtin HelmChartInflationGenerator: must specify --enable-helm",
                        line_of(item),
                    )
                )

    def labels(self, root: Node | None) -> Iterator[tuple[str, str]]:
        yield from pairs(_data(child(root, "commonLabels"))).items()
        for item in items_of(child(root, "labels")):
            yield from pairs(_data(child(item, "pairs"))).items()

    def not_modelled(self, root: Node | None) -> Iterator[tuple[str, int]]:
        for entry in root.entries if isinstance(root, Mapping) else ():
            if isinstance(entry, Entry) and entry.key in _NOT_MODELLED and items_of(entry.value):
                yield entry.key, entry.line

    def generator(self, node: Node, root: Node | None) -> Generator:
        made = self._generator(node, root, decrypted=True)
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
        made = self._generator(node, root, decrypted=False)
        del self.notes[known:]
        return made

    def _generator(self, node: Node, root: Node | None, *, decrypted: bool) -> Generator:
        problems: list[tuple[str, int]] = []
        files = [*self._keyed(child(node, "files"))]
        sources = [*self._envs(node, decrypted=decrypted)]
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
        for item in literals:
            key, separator, value = str(item.value).partition("=")
            if not key or not separator:
                problems.append(("invalid literal source, expected key=value", item.line))
            sources.append(Source(Origin.LITERAL, key, "", "", item.line, _without_quotes(value)))
        for source in self._files(node, decrypted=decrypted):
            if isinstance(source, Source):
                sources.append(source)
            else:
                problems.append(source)
        keys = [
            key if separator else key.rpartition("/")[2]
            for item in items_of(child(node, "files"))
            if (text := text_of(item))
            for key, separator, _ in (text.partition("="),)
        ]
        keys += [str(item.value).partition("=")[0] for item in literals]
        line = line_of(node) or 1
        if not text_of(child(node, "name")):
            problems.append(("a configmap must have a name", line))
        parts = (child(root, "generatorOptions"), child(node, "options"))
        return Generator(
            text_of(child(node, "name")),
            line,
            (*files, *envs),
            tuple(item.line for item in literals),
            tuple(dict.fromkeys(keys)),
            not envs,
            text_of(child(node, "namespace")),
            text_of(child(node, "behavior")) or "create",
            not _flag(parts, "disableNameSuffixHash"),
            tuple(sources),
            text_of(child(node, "type")),
            _options(parts, "labels"),
            _options(parts, "annotations"),
            _flag(parts, "immutable"),
            next(iter(problems), None),
        )

    def _envs(self, node: Node, *, decrypted: bool) -> Iterator[Source]:
        for found in self._silently(child(node, "envs")):
            format_ = format_for_env(found.path) if decrypted else ""
            yield Source(Origin.ENVS, "", found.path, format_, found.line)
        for found in self._quietly(child(node, "env")):  # which Flux does not decrypt
            yield Source(Origin.ENVS, "", found.path, "", found.line)

    def _files(self, node: Node, *, decrypted: bool) -> Iterator[Source | tuple[str, int]]:
        """The sources of `files`, or what is wrong with one (`ParseFileSource`)."""
        for item in items_of(child(node, "files")):
            text = text_of(item)
            if not isinstance(item, Leaf) or not text:
                continue
            key, separator, path = text.partition("=")
            if "=" in path:
                yield f"source {text!a} key name or file path contains '='", item.line
            elif separator and not (key and path):
                missing = "key name for file path" if path else "file path for key name"
                yield f"missing {missing} in source {text!a}", item.line
            elif not is_remote(path or key) and (place := normalise(path or key, self.folder)) is not None:
                name = key if separator else key.rpartition("/")[2]
                yield Source(Origin.FILE, name, place, format_for_key(key) if decrypted else "", item.line)

    def _silently(self, node: Node | None) -> Iterator[Reference]:
        known = len(self.notes)
        found = [*self.references(node)]
        del self.notes[known:]
        yield from found

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


def _allowed(options: Node | None) -> tuple[bool, bool]:
    return _flag((options,), "allowNameChange"), _flag((options,), "allowKindChange")


def _flag(parts: tuple[Node | None, ...], key: str) -> bool:
    return any(getattr(child(part, key), "value", None) is True for part in parts)


def _options(parts: tuple[Node | None, ...], key: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        {name: value for part in parts for name, value in pairs(_data(child(part, key))).items()}.items()
    )


def _without_quotes(value: str) -> str:
    """A literal's value; quotes around all of it do not count (`removeQuotes`)."""
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def unreadable(path: str, error: FluxsecretsError) -> Note:
    """The note for a file of the graph that cannot be read, so what it leads to is not analysed."""
    return Note(error.path or path, error.line, f"{UNREADABLE}{error.message}", warning=True)
