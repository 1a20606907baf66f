"""What a kustomization file lists, as kustomize-controller reads it before it builds.

Follows `DecryptSources` of internal/decryptor/decryptor.go.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.kustomize.entrypaths import format_for_env, format_for_key
from fluxsecrets.repo.manifests import child, items_of, line_of, read_documents, text_of
from fluxsecrets.repo.tree import Tree, parent
from fluxsecrets.sops.document import Node

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]")


@dataclass(frozen=True, slots=True)
class Use:
    """A file in a kustomization file, and the format in which Flux would decrypt it there."""

    path: str
    format: str
    file: str
    line: int
    is_patch: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What a kustomization file lists.

    Attributes:
        uses: the files that Flux looks at, in its order.
        resources, components: path, the kustomization file, and the line in it.
    """

    uses: tuple[Use, ...] = ()
    resources: tuple[tuple[str, str, int], ...] = ()
    components: tuple[tuple[str, str, int], ...] = ()


class Listings:
    """Reads kustomization files, each once for all Kustomizations that reach it."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._known: dict[tuple[int, str], tuple[Tree, Listing]] = {}

    def of(self, tree: Tree, path: str) -> Listing:
        """Read a file of a tree; one that cannot be read lists nothing, and the build says why."""
        known = self._known.get((id(tree), path))
        if known is None:
            known = self._known[id(tree), path] = (tree, _read(tree, path))
        return known[1]


def join(folder: str, path: str) -> str:
    """A path as Flux resolves it: nothing leads out of the root (filepath-securejoin)."""
    joined = path if path.startswith("/") else f"/{folder}/{path}"
    return posixpath.normpath(joined).lstrip("/")


def _read(tree: Tree, path: str) -> Listing:
    try:
        documents = read_documents(tree.read(path), path, tree.limits)
    except FluxsecretsError:
        return Listing()
    root = documents[0] if documents else None
    return Listing(
        tuple(_uses(root, path)),
        tuple(_listed(root, "resources", path)),
        tuple(_listed(root, "components", path)),
    )


def _listed(root: Node | None, field: str, file: str) -> Iterator[tuple[str, str, int]]:
    for item in items_of(child(root, field)):
        text = text_of(item)
        if text:
            yield join(parent(file), text), file, line_of(item) or 1


def _uses(root: Node | None, file: str) -> Iterator[Use]:
    """The files that Flux looks at, in its order; not those under `env`, nor `patchesStrategicMerge`."""
    folder = parent(file)
    for generator in items_of(child(root, "secretGenerator")):
        for item in items_of(child(generator, "files")):
            text = text_of(item)
            if text:
                key, separator, path = text.partition("=")
                place = join(folder, path if separator else key)
                yield Use(place, format_for_key(key), file, line_of(item) or 1)
        for item in items_of(child(generator, "envs")):
            text = text_of(item)
            if text:
                yield Use(join(folder, text), format_for_env(text), file, line_of(item) or 1)
    for patch in items_of(child(root, "patches")):
        node = child(patch, "path")
        text = text_of(node)
        if text and not _REMOTE.match(text):
            yield Use(join(folder, text), format_for_key(text), file, line_of(node) or 1, is_patch=True)
