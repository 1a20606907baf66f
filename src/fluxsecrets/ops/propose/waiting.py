"""The proposals of a repository that wait to be folded; read without any key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, is_kustomization, is_proposal_name
from fluxsecrets.repo.kustomize.reading import load_kustomization
from fluxsecrets.repo.manifests import Manifest, read_manifests
from fluxsecrets.repo.tree import Tree

from .entries import Entry, read_entries
from .shape import SecretId

_SIGN = b"proposed-"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal.

    Attributes:
        path: of the patch, relative to the root.
        file: the kustomization file that names it, or None.
        entry: its entry there, or None.
        secret: the Secret that it is for, or None if that can't be read.
        target: the file with that Secret, if the kustomization file lists it; None for an overlay's patch.
        part: the Secret's YAML document in it, from 0.
    """

    path: str
    file: str | None = None
    entry: Entry | None = None
    secret: SecretId | None = None
    target: str | None = None
    part: int = 0

    @property
    def why_left(self) -> str | None:
        """Why it can't be folded, or None."""
        if self.file is None:
            return "no kustomization file names it, so Flux doesn't apply it"
        if self.secret is None:
            return "it can't be read as a patch for one Secret"
        if self.entry is not None and self.entry.targeted:
            return "its entry has a target or options, so it is not a proposal"
        if self.target is None:
            return f"{self.file} doesn't list the Secret itself, so the value is for that overlay alone"
        return None


def find_waiting(tree: Tree) -> tuple[Waiting, ...]:
    """Return all proposals, in the order in which kustomize applies them."""
    named = [each for path in tree.paths if is_kustomization(path) for each in _in_file(tree, path)]
    known = {each.path for each in named}
    loose = (path for path in tree.paths if is_proposal_name(path) and path not in known)
    return (*named, *map(Waiting, loose))


def _in_file(tree: Tree, file: str) -> Iterator[Waiting]:
    try:
        data = tree.read(file)
        if _SIGN not in data:
            return
        entries = [each for each in read_entries(data, file, tree.limits) if each.is_proposal]
        listed = list(_listed(tree, file)) if entries else []
    except FluxsecretsError:
        return  # `verify` reports it
    for entry in entries:
        path = entry.path or ""
        secret = _secret_of(tree, path)
        places = [(target, part) for target, part, known in listed if known == secret]
        target, part = places[0] if len(places) == 1 else (None, 0)
        yield Waiting(path, file, entry, secret, target, part)


def _listed(tree: Tree, file: str) -> Iterator[tuple[str, int, SecretId]]:
    """The Secrets in the files that a kustomization file lists."""
    for reference in load_kustomization(tree, file).resources:
        if reference.path in tree.files and reference.path.endswith(MANIFEST_SUFFIXES):
            for manifest in _manifests(tree, reference.path):
                if manifest.kind == "Secret" and manifest.name is not None:
                    yield reference.path, manifest.index, SecretId(manifest.name, manifest.namespace)


def _secret_of(tree: Tree, path: str) -> SecretId | None:
    if path not in tree.files:
        return None
    found = _manifests(tree, path)
    if len(found) != 1 or found[0].kind != "Secret" or found[0].name is None:
        return None
    return SecretId(found[0].name, found[0].namespace)


def _manifests(tree: Tree, path: str) -> Sequence[Manifest]:
    try:
        return read_manifests(tree.read(path), path, tree.limits).manifests
    except FluxsecretsError:
        return ()
