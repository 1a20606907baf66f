"""The entries of proposals under `patches` of a kustomization file; its layout and comments stay."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.marks import is_proposal_name
from fluxsecrets.repo.manifests import child, items_of, line_of, text_of
from fluxsecrets.repo.tree import normalise, parent
from fluxsecrets.sops.document import Data, Document, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.changing import remove_value, set_value
from fluxsecrets.sops.formats.either import load_either
from fluxsecrets.sops.formats.yaml import YamlFormat

from .shape import SecretId, is_narrowing

_PATCHES = "patches"


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
    return tuple(_entries(_parsed(data, limits), file, limits))


def _entries(document: Document, file: str, limits: Limits) -> Iterator[Entry]:
    for index, node in enumerate(items_of(child(document.parts[0], _PATCHES))):
        path, inline = text_of(child(node, "path")), text_of(child(node, "patch"))
        targeted = child(node, "target") is not None or child(node, "options") is not None
        yield Entry(
            index,
            line_of(node) or 1,
            normalise(path, parent(file)) if path else None,
            _data(inline, limits) if inline else None,
            targeted,
        )


def with_entries(
    data: bytes, file: str, path: str, secret: SecretId, narrowing: str | None, limits: Limits
) -> bytes:
    """Return a kustomization file with the entry of a proposal, behind all others.

    Args:
        data: the file.
        file: its path, relative to the repository's root.
        path: likewise of the proposal.
        secret: what the proposal is for.
        narrowing: the patch in place that it needs, see `shape.narrowing_text`; left out if it is there.
        limits: for reading the result.

    Raises:
        FormatError: the file can't be changed without touching anything else.
    """
    document = _parsed(data, limits)
    if document.metadata is not None:
        raise FormatError("the kustomization file is encrypted, and kustomize can't read it")
    entries = tuple(_entries(document, file, limits))
    relative = posixpath.relpath(path, parent(file) or ".")
    new: list[Data] = [{"path": relative}]
    if narrowing is not None and not any(is_narrowing(entry.patch, secret) for entry in entries):
        new.append({"patch": narrowing})
    for number, entry in enumerate(new, len(entries)):
        data = set_value(YamlFormat(), document, (_PATCHES, number), entry, limits)
        document = _parsed(data, limits)
    return data


def without_entries(data: bytes, indices: Collection[int], limits: Limits) -> bytes:
    """Return a kustomization file without some of its entries; without `patches` where none is left.

    Raises:
        FormatError: the file can't be changed without touching anything else.
    """
    for index in sorted(indices, reverse=True):
        data = remove_value(YamlFormat(), _parsed(data, limits), (_PATCHES, index), limits)
    document = _parsed(data, limits)
    if not items_of(child(document.parts[0], _PATCHES)):
        data = remove_value(YamlFormat(), document, (_PATCHES,), limits)
    return data


def _parsed(data: bytes, limits: Limits) -> Document:
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
