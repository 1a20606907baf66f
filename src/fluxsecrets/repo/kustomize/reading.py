"""Reads one kustomization file.

Follows kustomize's api/types, and `decryptKustomizationSources` in kustomize-controller's
internal/decryptor/decryptor.go for the files that Flux decrypts.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.marks import KUSTOMIZATION_NAMES
from fluxsecrets.repo.manifests import child, items_of, line_of, pairs, read_documents, text_of
from fluxsecrets.repo.tree import UNREADABLE, Note, Tree, normalise
from fluxsecrets.sops.document import Entry, Leaf, Mapping, Node, to_data
from fluxsecrets.sops.formats.yaml import load_documents

from .entrypaths import Places, format_for_key, is_remote
from .generatorentries import config_files, flag, read_config_generator, read_generator
from .kustomizationfields import Fault, faults, in_case, kind_of
from .kustomizationfile import (
    Image,
    KustomizationFile,
    Labels,
    PatchEntry,
    Plugin,
    Reference,
    ReplacementEntry,
    SourceFile,
)
from .oldyaml import old_pairs
from .patches import Target, read_target


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
        generators=tuple(
            read_generator(reader, node, root) for node in items_of(child(root, "secretGenerator"))
        ),
        config_generators=tuple(
            read_config_generator(reader, node, root) for node in items_of(child(root, "configMapGenerator"))
        ),
        config_files=tuple(
            reference
            for node in items_of(child(root, "configMapGenerator"))
            for reference in config_files(reader, node)
        ),
        others=tuple(reader.others(root)),
        edits=tuple(reader.edits(root)),
        replacements=tuple(reader.replacements(root)),
        namespace=_name(child(root, "namespace")),
        name_prefix=_name(child(root, "namePrefix")),
        name_suffix=_name(child(root, "nameSuffix")),
        labels=tuple(reader.labels(root)),
        annotations=tuple(old_pairs(child(root, "commonAnnotations")).items()),
        not_modelled=tuple(reader.not_modelled(root)),
        replicas=tuple(reader.replicas(root)),
        images=tuple(reader.images(root)),
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


class _Reader(Places):
    """Turns nodes into what they say, and collects the notes of one file."""

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

    def images(self, root: Node | None) -> Iterator[Image]:
        for field in ("images", "imageTags"):
            for item in items_of(child(root, field)):
                values = pairs(_data(item))
                names = ("name", "newName", "newTag", "digest", "tagSuffix")
                yield Image(*(values.get(name, "") for name in names))

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

    def labels(self, root: Node | None) -> Iterator[Labels]:
        for item in items_of(child(root, "labels")):
            values = tuple(old_pairs(child(item, "pairs")).items())
            yield Labels(values, flag((item,), "includeSelectors"), flag((item,), "includeTemplates"))
        common = tuple(old_pairs(child(root, "commonLabels")).items())
        if common:
            yield Labels(common, selectors=True)

    def not_modelled(self, root: Node | None) -> Iterator[tuple[str, int]]:
        for entry in root.entries if isinstance(root, Mapping) else ():
            if isinstance(entry, Entry) and entry.key in _NOT_MODELLED and items_of(entry.value):
                yield entry.key, entry.line

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


def _allowed(options: Node | None) -> tuple[bool, bool]:
    return flag((options,), "allowNameChange"), flag((options,), "allowKindChange")


def unreadable(path: str, error: FluxsecretsError) -> Note:
    """The note for a file of the graph that cannot be read, so what it leads to is not analysed."""
    return Note(error.path or path, error.line, f"{UNREADABLE}{error.message}", warning=True)
