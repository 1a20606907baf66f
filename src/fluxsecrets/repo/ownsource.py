"""Which source of Flux is the repository itself, by the paths of Kustomizations.

Most Kustomizations of a repository are built from the repository. Any other source is another place, even if
a path in it is a folder here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fluxsecrets.records import dataclass

from .flux import SYSTEM, FluxKustomization, Source, SourceRef, same_address
from .tree import Tree

_ENOUGH = 50
"""Paths that are compared with the folders of the repository, to find the one that an artifact is made of."""


@dataclass(frozen=True, slots=True)
class Own:
    """The source that is this repository.

    Attributes:
        source: it.
        base: the folder of the repository that an artifact is made of: paths are relative to it.
        known: paths of Kustomizations show it; otherwise it is a guess.
    """

    source: SourceRef
    base: str
    known: bool


def own_source(tree: Tree, items: Iterable[FluxKustomization]) -> Own | None:
    """The source of most Kustomizations whose paths are folders of the repository; None without any source.

    `./` is a path in every source, and shows nothing. An artifact may be made of one folder of the
    repository, so that no path is a folder here.
    """
    paths: dict[tuple[str, str], tuple[SourceRef, list[str]]] = {}
    for item in items:
        if item.source is not None and item.source.kind != "ExternalArtifact":
            key = (item.source.kind, item.source.name)
            paths.setdefault(key, (item.source, []))[1].append(item.path or "")
    found = [_rated(tree, source, given) for source, given in paths.values()]
    return max(found, key=lambda each: each[0])[1] if found else None


_Rating = tuple[int, bool, bool, int]


def _rated(tree: Tree, source: SourceRef, paths: Sequence[str]) -> tuple[_Rating, Own]:
    telling = [path for path in paths if path]
    here = sum(path in tree.folders for path in telling)
    base = ""
    if not here and telling and source.kind != "GitRepository":
        base = _base(tree, telling)
        here = 1 if base else 0
    rating = (here, source.name == SYSTEM, source.kind == "GitRepository", len(paths))
    return rating, Own(source, base, here > 0)


def _base(tree: Tree, paths: Iterable[str]) -> str:
    """The only folder that has most of some paths below it, or the root."""
    count: dict[str, int] = {}
    for path in sorted(set(paths))[:_ENOUGH]:
        for folder in tree.folders:
            if folder.endswith(f"/{path}"):
                base = folder.removesuffix(f"/{path}")
                count[base] = count.get(base, 0) + 1
    best = max(count.values(), default=0)
    found = [base for base, number in count.items() if number == best]
    return found[0] if len(found) == 1 else ""


def folder_of(tree: Tree, item: FluxKustomization, own: Own | None, sources: Sequence[Source]) -> str | None:
    """The folder of this repository that a Kustomization applies; None if it is built from another place."""
    if item.path is None:
        return None
    source, path = item.source, item.path
    if source is not None and own is not None and _is_same(source, own.source):
        path = "/".join(part for part in (own.base, path) if part)
    elif not path:
        return None  # `./` is a path in every source
    elif source is not None and own is not None and _is_elsewhere(source, own.source, sources):
        return None
    return path if path in tree.folders else None


def _is_same(first: SourceRef, second: SourceRef) -> bool:
    return (first.kind, first.name) == (second.kind, second.name)


def _is_elsewhere(source: SourceRef, own: SourceRef, sources: Sequence[Source]) -> bool:
    """Whether two sources have addresses, and not the same one."""
    theirs = [each.url for each in sources if (each.kind, each.name) == (source.kind, source.name)]
    ours = [each.url for each in sources if (each.kind, each.name) == (own.kind, own.name)]
    same = any(same_address(first, second) for first in theirs for second in ours)
    return bool(theirs and ours) and not same
