"""Roots of repositories without a bootstrap's files: Kustomizations that no other one applies.

A Kustomization leads to the files below its `spec.path`, if its source is this repository. Most
Kustomizations of a repository are built from the repository itself: their source is the one whose paths are
folders here. Any other source is another place, so that its path `./` leads nowhere here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fluxsecrets.records import dataclass

from .flux import FluxKustomization, Source
from .graph import walk
from .kustomize.build import Builder
from .ownsource import folder_of, own_source
from .tree import Tree, parent


@dataclass(frozen=True, slots=True)
class Led:
    """A Kustomization, and the folder of this repository that it applies.

    Attributes:
        folder: None if its source is another place, or its path is not a folder here.
    """

    item: FluxKustomization
    folder: str | None

    @property
    def syncs_itself(self) -> bool:
        """Whether it applies the folder that it is in."""
        return self.folder is not None and _is_below(self.item.file, self.folder)


def find_tops(
    tree: Tree, items: Sequence[FluxKustomization], sources: Sequence[Source], builder: Builder
) -> frozenset[str]:
    """The outermost folders with Kustomizations that no other one leads to.

    Args:
        tree: the repository.
        items: its Kustomizations, as they are written.
        sources: its sources.
        builder: to find out which lead to others.
    """
    led = lead(tree, items, sources)
    applied = {each.folder for each in led if each.folder is not None}
    tops = {
        each.folder
        for each in led
        if each.folder is not None and each.syncs_itself and not _has_above(each.folder, applied)
    }
    for each in led:
        if not _has_above(each.item.file, applied):
            tops |= _start(tree, each)
    tops = outermost(tops)
    return frozenset(_hubs(tops, [each.item for each in led], builder) if len(tops) > 1 else tops)


def lead(tree: Tree, items: Sequence[FluxKustomization], sources: Sequence[Source]) -> tuple[Led, ...]:
    """Where Kustomizations lead to; those in folders that begin with a dot don't count."""
    items = [item for item in items if not is_hidden(item.file)]
    own = own_source(tree, items)
    return tuple(Led(item, folder_of(tree, item, own, sources)) for item in items)


def is_hidden(path: str) -> bool:
    """Whether a path has a part that begins with a dot: an archive, or another tool's folder."""
    return path.startswith(".") or "/." in path


def _start(tree: Tree, each: Led) -> set[str]:
    """Where an environment begins that a Kustomization shows which nothing here applies."""
    folder = parent(each.item.file)
    if folder or "kustomization.yaml" in tree.files:
        return {folder}
    # A file in the repository's root is applied by hand; the root itself is not a cluster's folder
    return {each.folder} if each.folder is not None else set()


def _hubs(tops: set[str], items: Sequence[FluxKustomization], builder: Builder) -> set[str]:
    """Those folders that lead to others and that none leads to, if there are any.

    A Kustomization may be brought by kustomize from anywhere; what is brought by nothing is only lying about.
    """
    reached = {top: walk(builder.tree, top, builder=builder).files for top in tops}
    files = {item.file for item in items}
    own = {top: {file for file in files if _is_below(file, top)} for top in tops}
    leading = {top: (reached[top] & files) - own[top] for top in tops}
    led_to = {
        other
        for top in tops
        for other in tops - {top}
        if leading[top] & own[other] and not leading[other] & own[top]
    }
    hubs = {top for top in tops if leading[top]} - led_to
    return hubs or tops - led_to


def outermost(folders: Collection[str]) -> set[str]:
    """Those of some folders that are in none of the others."""
    return {folder for folder in folders if not folder or not _has_above(folder, folders)}


def _has_above(path: str, folders: Collection[str]) -> bool:
    """Whether one of some folders is above a path."""
    here = path
    while here:
        here = parent(here)
        if here in folders:
            return True
    return False


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")
