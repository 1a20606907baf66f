"""What checks of each Kustomization ask of all the others, found once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar

from fluxsecrets.repo.flux import FluxKustomization, SourceRef
from fluxsecrets.repo.graph import Applied, Graph
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.ordering import Key
from fluxsecrets.repo.references import provisions
from fluxsecrets.repo.sourcing import differs

_MAKERS = frozenset({"ResourceSet", "ResourceSetInputProvider"})
"""Kinds that make Kustomizations which only the cluster knows."""

_T = TypeVar("_T")


class Maker(NamedTuple):
    """An object that is, or brings about, a Secret."""

    applied: Applied
    item: Object
    key: Key


class Overview:
    """Answers about a graph."""

    def __init__(self, graph: Graph) -> None:
        """Take the graph of an environment."""
        self.graph = graph

    @cached_property
    def secrets(self) -> Mapping[str, Sequence[Maker]]:
        """What makes Secrets, by their name."""
        found: dict[str, list[Maker]] = {}
        for applied, item in self.graph.objects:
            for one in provisions(item):
                if one.kind == "Secret":
                    maker = Maker(applied, item, (one.namespace, one.name))
                    found.setdefault(one.name, []).append(maker)
        return found

    @cached_property
    def usual_secrets(self) -> frozenset[Key]:
        """The Secrets that most Kustomizations decrypt with; several if they are equally many."""
        return _most(
            (each.namespace, each.decryption.secret)
            for each in self.graph.kustomizations
            if each.decryption is not None and each.decryption.secret
        )

    @cached_property
    def sources(self) -> frozenset[tuple[str, Key]]:
        """Kind, namespace and name of the sources that the repository makes, and of the root's own.

        Where no Kustomization syncs the root, what most Kustomizations are built from was made by
        hand, or will be by `flux bootstrap`.
        """
        found = {(each.kind, (each.namespace, each.name)) for each in self.graph.sources}
        root = self.graph.applied[0].kustomization if self.graph.applied else None
        if root is not None and root.source is not None:
            return frozenset({*found, (root.source.kind, source_key(root, root.source))})
        own, items = self.graph.source, self.graph.kustomizations
        usual = _most(
            (each.source.kind, source_key(each, each.source))
            for each in items
            if each.source is not None and (own is None or not differs(each.source, own))
        )
        return frozenset(found | usual)

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[FluxKustomization]]:
        """The Kustomizations by name."""
        found: dict[str, list[FluxKustomization]] = {}
        for each in self.graph.kustomizations:
            found.setdefault(each.name, []).append(each)
        return found

    @cached_property
    def maker(self) -> Object | None:
        """Something that makes Kustomizations which the repository does not tell."""
        return next(
            (item for _, item in self.graph.objects if item.kind in _MAKERS and "fluxcd" in item.group), None
        )


def source_key(written: FluxKustomization, source: SourceRef) -> Key:
    """Namespace and name of a source: without a namespace, it is in the Kustomization's own."""
    return (source.namespace or written.namespace, source.name)


def _most(items: Iterable[_T]) -> frozenset[_T]:
    counted = Counter(items)
    return frozenset(item for item, count in counted.items() if count == max(counted.values()))
