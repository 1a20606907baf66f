"""What a kustomization file says, as data; `reading.read_kustomization` makes it."""

from __future__ import annotations

from fluxsecrets.records import dataclass
from fluxsecrets.repo.objects import Source
from fluxsecrets.repo.tree import Note
from fluxsecrets.sops.document import Data

from .kustomizationfields import Fault
from .patches import Target


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
class Labels:
    """One entry of `labels`, or `commonLabels`.

    Attributes:
        pairs: keys and values.
        selectors: they are put into selectors and templates too.
        templates: they are put into templates too.
    """

    pairs: tuple[tuple[str, str], ...]
    selectors: bool = False
    templates: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """One entry of `images`; "" for what it leaves."""

    name: str
    new_name: str = ""
    new_tag: str = ""
    digest: str = ""
    tag_suffix: str = ""


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
        images: the entries of `images`.
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
    labels: tuple[Labels, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    not_modelled: tuple[tuple[str, int], ...] = ()
    notes: tuple[Note, ...] = ()
    kind: str = "Kustomization"
    faults: tuple[Fault, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    replicas: tuple[tuple[str, int, int], ...] = ()
    images: tuple[Image, ...] = ()
    plugins: tuple[Plugin, ...] = ()
