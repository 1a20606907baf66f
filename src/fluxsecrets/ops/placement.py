"""Where kustomize puts an object: the namespace, and what it does to names, on the way to the cluster.

A strict or namespace-wide SealedSecret opens only there, so what a manifest says of itself is not enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.kustomize import is_kustomization_name, read_kustomization
from fluxsecrets.repo.manifests import child, read_documents, text_of
from fluxsecrets.repo.tree import Tree, parent


@dataclass(frozen=True, slots=True)
class Place:
    """What becomes of a file's objects.

    Attributes:
        namespaces: those that kustomizations set, sorted; empty where none does.
        renamed: the kustomization file that gives names a prefix or suffix, or None.
    """

    namespaces: tuple[str, ...] = ()
    renamed: str | None = None

    @property
    def namespace(self) -> str | None:
        """The namespace, where it is clear."""
        return self.namespaces[0] if len(self.namespaces) == 1 else None


@dataclass(frozen=True, slots=True)
class _Kustomization:
    path: str
    namespace: str | None
    renames: bool


@dataclass(frozen=True, slots=True)
class Placement:
    """The kustomizations of a repository, by what they include."""

    _including: dict[str, list[_Kustomization]] = field(default_factory=dict)

    def of(self, path: str) -> Place:
        """What becomes of a file's objects."""
        namespaces: set[str | None] = set()
        renamed: list[str] = []
        self._climb(path, None, frozenset(), namespaces, renamed)
        known = sorted(each for each in namespaces if each is not None)
        return Place(tuple(known), renamed[0] if renamed else None)

    def _climb(
        self,
        path: str,
        namespace: str | None,
        seen: frozenset[str],
        found: set[str | None],
        renamed: list[str],
    ) -> None:
        above = [each for each in self._including.get(path, ()) if each.path not in seen]
        if not above:
            found.add(namespace)
        for each in above:
            if each.renames:
                renamed.append(each.path)
            # What includes sets its namespace after what is included.
            self._climb(parent(each.path), each.namespace or namespace, seen | {each.path}, found, renamed)


def read_placement(tree: Tree, paths: Iterable[str] | None = None) -> Placement:
    """Read the kustomization files of a repository; one that cannot be read includes nothing."""
    including: dict[str, list[_Kustomization]] = {}
    for path in filter(is_kustomization_name, tree.paths if paths is None else paths):
        try:
            data = tree.read(path)
            file = read_kustomization(data, path, tree)
            root = next(iter(read_documents(data, path, tree.limits)), None)
        except FluxsecretsError:
            continue
        renames = any(text_of(child(root, key)) for key in ("namePrefix", "nameSuffix"))
        found = _Kustomization(path, text_of(child(root, "namespace")) or None, renames)
        for reference in file.resources:
            including.setdefault(tree.locate(reference.path) or reference.path, []).append(found)
    return Placement(including)
