"""Which files a Kustomization is built from: those of this repository, of a copy of them, or others."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import Enum, auto

from .flux import (
    ArtifactMap,
    FluxKustomization,
    Source,
    SourceRef,
    Sync,
    read_artifacts,
    read_source,
    same_address,
)
from .objects import Object
from .tree import Tree


class Origin(Enum):
    """Where the files of a source are."""

    OURS = auto()
    """In this repository."""
    LIKELY_OURS = auto()
    """In this repository, unless something outside its files says otherwise."""
    COPIED = auto()
    """In an artifact that is made of other sources."""
    ELSEWHERE = auto()
    """In another repository, or in a source that is not followed."""


class Sourcing:
    """The sources that were met, and what Kustomizations are built from them."""

    def __init__(self, tree: Tree, sync: Sync | None) -> None:
        """Take the files that reach Flux, and the FluxInstance that syncs them, if one does."""
        self.tree = tree
        self.sync = sync
        self.root: SourceRef | None = None  # of the root: this repository, by definition
        self.base = sync.base if sync is not None else ""  # the folder that its artifact is made of
        self.sources: list[Source] = []
        self._artifacts: list[ArtifactMap] = []

    def take(self, item: Object) -> None:
        """Take an object that may be a source, or make one."""
        source = read_source(item)
        if source is None:
            self._artifacts += read_artifacts(item, self._folders())
        elif source not in self.sources:
            self.sources.append(source)

    def _folders(self) -> Collection[str]:
        """The folders of the repository, as paths in the root's own artifact."""
        if not self.base:
            return self.tree.folders
        start = f"{self.base}/"
        return [folder.removeprefix(start) for folder in self.tree.folders if folder.startswith(start)]

    def own(self) -> Source | None:
        """The source that the root is synced from, or None where the tree does not have it."""
        return next((each for each in self.sources if self.root is not None and _is(each, self.root)), None)

    def of(self, item: FluxKustomization) -> Source | None:
        """The source of a Kustomization, or None where the tree does not have it."""
        reference = item.source
        if reference is None:
            return None
        found = [each for each in self.sources if _is(each, reference)]
        namespace = reference.namespace or item.namespace
        return next((each for each in found if each.namespace == namespace), next(iter(found), None))

    def origin(self, source: SourceRef) -> Origin:
        """Where the files of a source are."""
        if source.kind == "ExternalArtifact":
            return Origin.COPIED
        if self.root is not None and not differs(source, self.root):
            return Origin.OURS
        if source.kind != "GitRepository":
            return Origin.ELSEWHERE
        theirs = [each.url for each in self.sources if _is(each, source)]
        ours = [each.url for each in self.sources if self.root is not None and _is(each, self.root)]
        if self.sync is not None:
            ours.append(self.sync.url)
        if not theirs or not ours:
            return Origin.LIKELY_OURS
        same = any(same_address(first, second) for first in ours for second in theirs)
        return Origin.OURS if same else Origin.ELSEWHERE

    def may_be_other(self, source: SourceRef) -> bool:
        """Whether a source has an address, and the root's source has a name of its own and none."""
        return (
            self.root is not None
            and self.origin(source) is Origin.LIKELY_OURS
            and self.own() is None
            and any(_is(each, source) and each.url for each in self.sources)
        )

    def reason_against(self, item: FluxKustomization) -> str | None:
        """Why a Kustomization is not followed, or None."""
        source = item.source
        if source is None:
            return "not followed, it has no source"
        if self.origin(source) is not Origin.ELSEWHERE:
            return None
        if source.kind == "GitRepository":
            return f"not followed, its source {source.name!a} is another repository"
        return not_followed(source)

    def in_repository(self, item: FluxKustomization) -> str | None:
        """A path in the root's own artifact, which may be made of a folder of the repository only."""
        if item.path is None or item.source is None:
            return item.path
        return self._below_base(item.source, item.path)

    def in_artifact(self, item: FluxKustomization) -> str | None:
        """Where a path in an artifact is in this repository, or None."""
        source, path = item.source, item.path
        if source is None or path is None:
            return None
        namespace = source.namespace or item.namespace
        for each in self._artifacts:
            if each.name == source.name and each.namespace in (namespace, None):
                candidates = [
                    self._below_base(copy.source, place)
                    for copy in each.copies
                    if self.origin(copy.source) in (Origin.OURS, Origin.LIKELY_OURS)
                    for place in _origins(copy.origin, copy.destination, path, whole=copy.whole_folder)
                ]
                found = next((place for place in candidates if place in self.tree.folders), None)
                if found is not None:
                    return found
        return None

    def _below_base(self, source: SourceRef, path: str) -> str:
        if not self.base or self.root is None or differs(source, self.root):
            return path
        return f"{self.base}/{path}".rstrip("/")


def not_followed(source: SourceRef) -> str:
    """The reason against a source of a kind that is not followed."""
    return f"not followed, its source is the {ascii(source.kind)[1:-1]} {source.name!a}"


def differs(first: SourceRef, second: SourceRef) -> bool:
    """Whether two references are to sources of different kinds or names."""
    return (first.kind, first.name) != (second.kind, second.name)


def _is(source: Source, reference: SourceRef) -> bool:
    return source.kind == reference.kind and source.name == reference.name


def _origins(origin: str, destination: str, path: str, *, whole: bool) -> Iterator[str]:
    """Where a path in an artifact may come from: copied as by `cp -r`, or with the source's own path."""
    if destination and path != destination and not path.startswith(f"{destination}/"):
        return
    rest = path[len(destination) :].strip("/")
    name = origin.rpartition("/")[2]
    if whole and (rest == name or rest.startswith(f"{name}/")):
        yield f"{origin}{rest[len(name) :]}"
    yield "/".join(part for part in (origin, rest) if part)
    if rest:
        yield rest
