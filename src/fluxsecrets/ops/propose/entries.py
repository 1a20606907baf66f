"""The entries of proposals under `patches` of a kustomization file; its layout and comments stay."""

from __future__ import annotations

import posixpath
from collections.abc import Collection

from fluxsecrets.errors import FormatError
from fluxsecrets.repo.manifests import child, items_of
from fluxsecrets.repo.proposals import (
    PATCHES,
    SecretId,
    entries_of,
    is_narrowing,
    parse_kustomization,
)
from fluxsecrets.repo.tree import parent
from fluxsecrets.sops.document import Data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.changing import remove_value, set_value
from fluxsecrets.sops.formats.yaml import YamlFormat


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
    document = parse_kustomization(data, limits)
    if document.metadata is not None:
        raise FormatError("the kustomization file is encrypted, and kustomize can't read it")
    entries = tuple(entries_of(document, file, limits))
    relative = posixpath.relpath(path, parent(file) or ".")
    new: list[Data] = [{"path": relative}]
    if narrowing is not None and not any(is_narrowing(entry.patch, secret) for entry in entries):
        new.append({"patch": narrowing})
    for number, entry in enumerate(new, len(entries)):
        data = set_value(YamlFormat(), document, (PATCHES, number), entry, limits)
        document = parse_kustomization(data, limits)
    return data


def without_entries(data: bytes, indices: Collection[int], limits: Limits) -> bytes:
    """Return a kustomization file without some of its entries; without `patches` where none is left.

    Raises:
        FormatError: the file can't be changed without touching anything else.
    """
    for index in sorted(indices, reverse=True):
        data = remove_value(YamlFormat(), parse_kustomization(data, limits), (PATCHES, index), limits)
    document = parse_kustomization(data, limits)
    if not items_of(child(document.parts[0], PATCHES)):
        data = remove_value(YamlFormat(), document, (PATCHES,), limits)
    return data
