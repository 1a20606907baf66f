"""The files of a folder, and the Secrets that they have; each file is read once for all values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.repo.manifests import Manifest, may_hold_secret, read_manifests
from fluxsecrets.repo.tree import Tree, parent

from .applied import grouped


@dataclass(frozen=True)
class Folder:
    """A folder of manifests, without the folders below it."""

    files: Files
    path: str

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Its files that may be manifests."""
        return tuple(
            path
            for path in self.files.tree.below(self.path)
            if parent(path) == self.path and path.lower().endswith(MANIFEST_SUFFIXES)
        )

    @cached_property
    def secrets(self) -> Mapping[str | None, tuple[tuple[str, Manifest], ...]]:
        """The Secrets in its files by name, each with its file."""
        return grouped(
            (secret.name, (path, secret)) for path in self.paths for secret in self.files.secrets_in(path)
        )

    @cached_property
    def has_marked(self) -> bool:
        """Whether it has files named like `secret.sops.yaml`."""
        return any(".sops." in path.rpartition("/")[2] for path in self.paths)


@dataclass(frozen=True)
class Files:
    """The files of a tree that were asked for."""

    tree: Tree
    _secrets: dict[str, tuple[Manifest, ...]] = field(default_factory=dict, repr=False)
    _folders: dict[str, Folder] = field(default_factory=dict, repr=False)

    def folder(self, path: str) -> Folder:
        """Return a folder; the root is ""."""
        return self._folders.setdefault(path, Folder(self, path))

    def secrets_in(self, path: str) -> tuple[Manifest, ...]:
        """Return the Secrets with data of a file; none if it can't be read."""
        if path not in self._secrets:
            self._secrets[path] = _secrets_in(self.tree, path) if path in self.tree.files else ()
        return self._secrets[path]


def _secrets_in(tree: Tree, path: str) -> tuple[Manifest, ...]:
    try:
        data = tree.read(path)
        return read_manifests(data, path, tree.limits).secrets if may_hold_secret(data) else ()
    except FluxsecretsError:
        return ()
