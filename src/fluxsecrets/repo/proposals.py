"""Proposals: encrypted patches for single values, which wait to be folded into their Secrets.

A proposal is a file with a telling name that a kustomization file names under `patches`. Beside it, a patch
in place may narrow the selector of the Secret, see `ops/propose/shape.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.marks import MANIFEST_SUFFIXES, is_kustomization, is_proposal_name
from fluxsecrets.records import dataclass
from fluxsecrets.sops.document import Data, Document, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.either import load_either
from fluxsecrets.sops.formats.yaml import YamlFormat

from .kustomize.reading import load_kustomization
from .manifests import Manifest, child, items_of, line_of, read_manifests, text_of
from .tree import Tree, normalise, parent

MAPS: Final = ("data", "stringData")
"""The fields of a Secret that hold its values."""

PATCHES: Final = "patches"
"""The field of a kustomization file that names patches."""

_SIGN = b"proposed-"


@dataclass(frozen=True, slots=True)
class SecretId:
    """What a patch finds its Secret by.

    Attributes:
        namespace: as it is written in the Secret's file, or None.
    """

    name: str
    namespace: str | None = None

    @property
    def data(self) -> dict[str, Data]:
        """The fields of a patch that say which object it is for."""
        metadata: dict[str, Data] = {"name": self.name}
        if self.namespace is not None:
            metadata["namespace"] = self.namespace
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}

    def __str__(self) -> str:
        """`NAMESPACE/NAME`, or the name."""
        return f"{self.namespace}/{self.name}" if self.namespace is not None else self.name


def is_narrowing(patch: Data, secret: SecretId) -> bool:
    """Whether a patch is one of `narrowing_text`, for a Secret."""
    if not isinstance(patch, dict):
        return False
    fields = patch.get("sops")
    rest = {key: value for key, value in patch.items() if key != "sops"}
    if rest != secret.data or not isinstance(fields, dict):
        return False
    chosen = {key: value for key, value in fields.items() if value is not None}
    return any(chosen == {"encrypted_regex": f"^{own}$"} for own in MAPS)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry under `patches`.

    Attributes:
        index: its position.
        line: 1-based line of it.
        path: of the patch's file, relative to the repository's root; None for a patch in place.
        patch: the patch in place as data, or None.
        targeted: it has a `target` or `options`, which a proposal has not.
    """

    index: int
    line: int
    path: str | None
    patch: Data
    targeted: bool

    @property
    def is_proposal(self) -> bool:
        """Whether it names a proposal's file."""
        return self.path is not None and is_proposal_name(self.path)


def read_entries(data: bytes, file: str, limits: Limits) -> tuple[Entry, ...]:
    """Return the entries of a kustomization file.

    Raises:
        FormatError, LimitError: it can't be read.
    """
    return tuple(entries_of(parse_kustomization(data, limits), file, limits))


def entries_of(document: Document, file: str, limits: Limits) -> Iterator[Entry]:
    """Return the entries of a parsed kustomization file."""
    for index, node in enumerate(items_of(child(document.parts[0], PATCHES))):
        path, inline = text_of(child(node, "path")), text_of(child(node, "patch"))
        targeted = child(node, "target") is not None or child(node, "options") is not None
        yield Entry(
            index,
            line_of(node) or 1,
            normalise(path, parent(file)) if path else None,
            _data(inline, limits) if inline else None,
            targeted,
        )


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
    def is_of_overlay(self) -> bool:
        """Whether it is for one overlay alone, so that it stays a patch."""
        return self.secret is not None and self.file is not None and self.target is None

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


def parse_kustomization(data: bytes, limits: Limits) -> Document:
    """Parse a kustomization file to change it.

    Raises:
        FormatError, LimitError: it can't be read, or has several YAML documents.
    """
    document = YamlFormat().parse(data, limits)
    if len(document.parts) != 1:
        raise FormatError(
            "the kustomization file has several YAML documents", hint="kustomize reads the first one only"
        )
    return document


def _data(text: str, limits: Limits) -> Data:
    try:
        nodes = load_either(text.encode(), limits)
    except FluxsecretsError:
        return None
    return to_data(nodes[0]) if len(nodes) == 1 else None
