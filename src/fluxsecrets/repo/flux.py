"""Those of Flux's own kinds that decide what reaches a cluster, read from objects as they are applied."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.either import load_either

from .kustomize.images import read_images
from .kustomize.kustomizationfile import Image
from .kustomize.patches import Patch, PatchError, check_json, read_patch, read_target
from .manifests import Plain, dig, maps, pairs, text, texts
from .objects import Object
from .pathpatterns import matches
from .tree import inside, normalise

KUSTOMIZE_GROUP = "kustomize.toolkit.fluxcd.io"
SOURCE_GROUP = "source.toolkit.fluxcd.io"
HELM_GROUP = "helm.toolkit.fluxcd.io"
OPERATOR_GROUP = "fluxcd.controlplane.io"
GENERATOR_GROUP = "source.extensions.fluxcd.io"

SYSTEM = "flux-system"
"""The namespace that Flux is in, and the name of what it syncs itself by, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class SourceRef:
    """What a Flux Kustomization is built from."""

    kind: str
    namespace: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Decryption:
    """`spec.decryption` of a Flux Kustomization.

    Attributes:
        secret: the name of the Secret with keys, or None.
        service_account: the one whose role Flux takes for keys of services, or None.
    """

    provider: str | None
    secret: str | None
    service_account: str | None = None


@dataclass(frozen=True, slots=True)
class SubstituteFrom:
    """One entry of `postBuild.substituteFrom`: a Secret or ConfigMap in the Kustomization's namespace."""

    kind: str
    name: str
    optional: bool


@dataclass(frozen=True, slots=True)
class FluxKustomization:
    """A Flux Kustomization as it is applied, with everything that its parents add.

    Attributes:
        name, namespace: of its metadata; the namespace is None where nothing says it.
        path: `spec.path` relative to the source's root, `""` for the root, with `..` that ends at the root;
            None where it holds a variable whose value is not known.
        components: `spec.components`, relative to `path`.
        source: `spec.sourceRef`, or None where it is missing.
        decryption: or None.
        depends_on: (namespace or None, name) of each.
        substitute_from: where more variables come from.
        post_build: there is a `postBuild`, so that variables are replaced.
        substitute_always: they are replaced even if there are none, so that defaults are.
        target_namespace, name_prefix, name_suffix: what it sets on everything, or None.
        remote: it applies to another cluster (`spec.kubeConfig`).
        suspend: Flux does not reconcile it.
        file, line: where it is written.
        broken_patches: what is wrong with patches that could not be read.
        ignores_missing_components: components that are not there are left out.
        images: `spec.images`.
        common_labels, common_annotations: `spec.commonMetadata`, set on everything before it is applied.
        ready_by_expression: those that it depends on whose `readyExpr` says when they are ready.
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
    substitute: tuple[tuple[str, str], ...] = ()
    substitute_from: tuple[SubstituteFrom, ...] = ()
    post_build: bool = False
    substitute_always: bool = False
    target_namespace: str | None = None
    name_prefix: str | None = None
    name_suffix: str | None = None
    patches: tuple[Patch, ...] = field(default=(), compare=False, repr=False)
    remote: bool = False
    broken_patches: tuple[str, ...] = ()
    ready_by_expression: frozenset[tuple[str | None, str]] = frozenset()
    ignores_missing_components: bool = False
    images: tuple[Image, ...] = ()
    common_labels: tuple[tuple[str, str], ...] = ()
    common_annotations: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[str | None, str]:
        """Namespace and name."""
        return (self.namespace, self.name)

    @property
    def waits_for(self) -> tuple[tuple[str | None, str], ...]:
        """Namespace and name of each Kustomization in `dependsOn`."""
        return tuple((namespace or self.namespace, name) for namespace, name in self.depends_on)

    @property
    def changes_what_it_builds(self) -> bool:
        """Whether a build of its folder alone would not be what it applies."""
        parts = (self.target_namespace, self.name_prefix, self.name_suffix)
        return any((*parts, self.patches, self.components, self.images))


@dataclass(frozen=True, slots=True)
class Source:
    """A GitRepository, OCIRepository or Bucket.

    Attributes:
        url: its address, or "".
        ignore: `spec.ignore`: what is left out, in the form of a `.sourceignore`.
        sparse: `spec.sparseCheckout`: the only folders that it has; empty for all.
        is_more: it has files of other repositories or of submodules, too.
        reference: `spec.ref`, as text.
        file, line: where it is written.
    """

    kind: str
    name: str
    namespace: str | None
    url: str
    file: str
    line: int
    ignore: str = ""
    sparse: tuple[str, ...] = ()
    is_more: bool = False
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """How an ArtifactGenerator puts files of a source into an artifact."""

    source: SourceRef
    origin: str
    whole_folder: bool
    destination: str


@dataclass(frozen=True, slots=True)
class ArtifactMap:
    """An ExternalArtifact that an ArtifactGenerator makes."""

    name: str
    namespace: str | None
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class Sync:
    """What a FluxInstance, or a chart's values for one, makes Flux sync.

    Attributes:
        name, namespace: of the Kustomization that the operator makes.
        kind, url: of the source that it makes.
        path: the folder, relative to the repository's root, or None where it is not known.
        patches: what the instance changes in what the operator makes.
        file, line: where it is written.
        base: the folder of the repository that an OCI artifact is made of: paths are relative to it.
        version: of Flux, as the instance has it, or None.
    """

    name: str
    namespace: str
    kind: str
    url: str
    path: str | None
    patches: tuple[Patch, ...] = field(compare=False, repr=False)
    file: str
    line: int
    base: str = ""
    version: str | None = None


def read_kustomization(item: Object) -> FluxKustomization | None:
    """An object as a Flux Kustomization, or None if it is something else."""
    if item.group != KUSTOMIZE_GROUP or item.kind != "Kustomization":
        return None
    spec = dig(item.data, "spec")
    path = text(spec, "path") or ""
    patches, broken = _patches(maps(spec, "patches"), item)
    build = dig(spec, "postBuild")
    return FluxKustomization(
        name=item.name,
        namespace=item.namespace,
        path=None if "${" in path else inside(path),
        components=texts(spec, "components"),
        source=_source_ref(dig(spec, "sourceRef")),
        decryption=_decryption(dig(spec, "decryption")),
        depends_on=tuple(
            (text(entry, "namespace"), name)
            for entry in maps(spec, "dependsOn")
            if (name := text(entry, "name"))
        ),
        suspend=dig(spec, "suspend") is True,
        file=item.file,
        line=item.line,
        substitute=tuple(pairs(build, "substitute").items()),
        substitute_from=tuple(
            SubstituteFrom(text(entry, "kind") or "", name, entry.get("optional") is True)
            for entry in maps(build, "substituteFrom")
            if (name := text(entry, "name"))
        ),
        post_build=isinstance(build, dict),
        substitute_always=text(build, "substituteStrategy") == "Always",
        target_namespace=text(spec, "targetNamespace"),
        name_prefix=text(spec, "namePrefix"),
        name_suffix=text(spec, "nameSuffix"),
        patches=patches,
        remote=dig(spec, "kubeConfig") is not None,
        broken_patches=broken,
        ready_by_expression=frozenset(
            (text(entry, "namespace") or item.namespace, name)
            for entry in maps(spec, "dependsOn")
            if (name := text(entry, "name")) and text(entry, "readyExpr")
        ),
        ignores_missing_components=dig(spec, "ignoreMissingComponents") is True,
        images=read_images(maps(spec, "images")),
        common_labels=tuple(pairs(spec, "commonMetadata", "labels").items()),
        common_annotations=tuple(pairs(spec, "commonMetadata", "annotations").items()),
    )


def read_source(item: Object) -> Source | None:
    """An object as a source that Kustomizations are built from, or None."""
    if item.group != SOURCE_GROUP or item.kind not in ("GitRepository", "OCIRepository", "Bucket"):
        return None
    url = text(item.data, "spec", "url") or text(item.data, "spec", "endpoint") or ""
    ignore = text(item.data, "spec", "ignore") or ""
    reference = dig(item.data, "spec", "ref")
    return Source(
        item.kind,
        item.name,
        item.namespace,
        url,
        item.file,
        item.line,
        ignore,
        sparse=texts(dig(item.data, "spec"), "sparseCheckout"),
        is_more=bool(maps(item.data, "spec", "include"))
        or dig(item.data, "spec", "recurseSubmodules") is True,
        reference=", ".join(f"{key}: {value}" for key, value in sorted(reference.items()))
        if isinstance(reference, dict)
        else "",
    )


def read_artifacts(item: Object, folders: Collection[str]) -> tuple[ArtifactMap, ...]:
    """What an ArtifactGenerator makes; nothing for other objects.

    Args:
        item: the object.
        folders: of the source that a `pathPattern` is looked for in.
    """
    if item.group != GENERATOR_GROUP or item.kind != "ArtifactGenerator":
        return ()
    sources = {
        alias: SourceRef(kind, text(entry, "namespace") or item.namespace, name)
        for entry in maps(item.data, "spec", "sources")
        if (alias := text(entry, "alias")) and (kind := text(entry, "kind")) and (name := text(entry, "name"))
    }
    pattern = text(item.data, "spec", "pathPattern")
    found = [
        ArtifactMap(
            name,
            item.namespace,
            tuple(copy for each in copies if (copy := _copy(each, sources)) is not None),
        )
        for entry in maps(item.data, "spec", "artifacts")
        for name, copies in (_as_written(entry) if pattern is None else _per_folder(entry, pattern, folders))
    ]
    one_each = len({each.name for each in found}) == len(found)
    return tuple(found) if one_each or pattern is None else ()


def _as_written(entry: Plain) -> Iterator[tuple[str, list[Plain]]]:
    name = text(entry, "name")
    if name:
        yield name, maps(entry, "copy")


def _per_folder(entry: Plain, pattern: str, folders: Collection[str]) -> Iterator[tuple[str, list[Plain]]]:
    """An artifact for each folder that a pattern matches."""
    for match in matches(pattern, folders):
        name = match.name(text(entry, "name") or "")
        copies: list[Plain] = [
            {key: match.fill(text(each, key) or "") for key in ("from", "to")} for each in maps(entry, "copy")
        ]
        if name:
            yield name, copies


def read_sync(item: Object) -> Sync | None:
    """What a FluxInstance syncs, even if it is in the values of a chart; None for other objects."""
    if item.group == OPERATOR_GROUP and item.kind == "FluxInstance":
        spec = dig(item.data, "spec")
    elif item.group == HELM_GROUP and item.kind == "HelmRelease":
        spec = dig(item.data, "spec", "values", "instance")
    else:
        return None
    return _sync(spec, item)


def read_values_sync(data: object, file: str, line: int) -> Sync | None:
    """What Flux syncs by the values of flux-instance's chart, for values in a separate file."""
    instance = dig(data, "instance")
    item = Object("", "", "", None, file, line, {"spec": instance})
    return _sync(instance, item)


def _sync(spec: object, item: Object) -> Sync | None:
    sync = dig(spec, "sync")
    if not isinstance(sync, dict):
        return None
    namespace = item.namespace or SYSTEM
    path = text(sync, "path") or ""
    patches, _ = _patches(maps(spec, "kustomize", "patches"), item)
    return Sync(
        # The operator names both after the namespace by default.
        name=text(sync, "name") or namespace,
        namespace=namespace,
        kind=text(sync, "kind") or "GitRepository",
        url=text(sync, "url") or "",
        path=None if "${" in path else inside(path),
        patches=patches,
        file=item.file,
        line=item.line,
        version=text(spec, "distribution", "version"),
    )


def same_address(first: str, second: str) -> bool:
    """Whether two addresses may be of one repository, whatever their scheme, user, port and `.git`."""
    return _address(first) == _address(second)


def _address(url: str) -> str:
    match = re.match(
        r"(?:[a-z+]+://)?(?:[^@/]*@)?([^/:]+)(?::\d+(?=/))?[:/]+(.*)", url.strip(), re.IGNORECASE
    )
    if match is None:
        return url
    return f"{match[1]}/{match[2].strip('/').removesuffix('.git')}".lower()


def _copy(entry: Plain, sources: dict[str, SourceRef]) -> Copy | None:
    origin, destination = text(entry, "from") or "", text(entry, "to") or ""
    match = re.fullmatch(r"@([^/]+)/(.*)", origin)
    if match is None or match[1] not in sources or not destination.startswith("@artifact/"):
        return None
    fixed = re.split(r"[*?\[]", match[2], maxsplit=1)
    folder = fixed[0] if len(fixed) == 1 else fixed[0].rpartition("/")[0]
    inside = normalise(folder or ".")
    target = normalise(destination.removeprefix("@artifact/") or ".")
    if inside is None or target is None:
        return None
    return Copy(sources[match[1]], inside, len(fixed) == 1, target)


def _source_ref(data: object) -> SourceRef | None:
    kind, name = text(data, "kind"), text(data, "name")
    return SourceRef(kind, text(data, "namespace"), name) if kind and name else None


def _decryption(data: object) -> Decryption | None:
    if not isinstance(data, dict):
        return None
    return Decryption(
        text(data, "provider"), text(data, "secretRef", "name"), text(data, "serviceAccountName")
    )


def _patches(entries: list[Plain], item: Object) -> tuple[tuple[Patch, ...], tuple[str, ...]]:
    found: list[Patch] = []
    broken: list[str] = []
    for number, entry in enumerate(entries):
        line = item.line_at(("spec", "patches", number))
        try:
            inline = text(entry, "patch") or ""
            check_json(inline)
            documents: list[object] = [to_data(node) for node in load_either(inline.encode())]
            patch = read_patch(documents, read_target(entry.get("target")), item.file, line)
            if not inline.strip():
                broken.append(f"patch {number + 1}: must specify one of patch and path")
            elif patch is not None:
                found.append(patch)
        except (FluxsecretsError, PatchError) as error:
            message = error.message if isinstance(error, FluxsecretsError) else str(error)
            broken.append(f"patch {number + 1}: {message}")
    return tuple(found), tuple(broken)
