"""Patches as a kustomization file names them: from files, or in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.repo.manifests import read_documents
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.either import load_either

from .kustomizationfile import PatchEntry
from .patches import Patch, PatchError, check_json, read_patch


@dataclass(frozen=True, slots=True)
class Refused:
    """A patch that cannot be read.

    Attributes:
        reason: why.
        path, line: where.
        known: kustomize refuses it too; else that is not known.
    """

    reason: str
    path: str
    line: int | None
    known: bool


def read_entry(tree: Tree, file: str, entry: PatchEntry) -> Sequence[Patch] | Refused:
    """Read the patch of an entry; none where it is empty, or its file is missing."""
    place = None
    try:
        if entry.path is None:
            content = (entry.inline or "").encode()
            nodes = load_either(content, tree.limits)
        else:
            place = tree.locate(entry.path.path)
            if place is None or place not in tree.files:
                return ()
            content = tree.read(place)
            nodes = read_documents(content, place, tree.limits)
        check_json(content.decode(errors="replace"))
        documents: list[object] = [to_data(node) for node in nodes]
        patch = read_patch(
            documents,
            entry.target,
            place or file,
            1 if place else entry.line,
            renames=entry.renames,
            changes_kind=entry.changes_kind,
        )
    except FluxsecretsError as error:
        line = error.line if place else entry.line
        return Refused(error.message, place or file, line, known=isinstance(error, FormatError))
    except PatchError as error:
        return Refused(str(error), place or file, 1 if place else entry.line, known=True)
    return () if patch is None else (patch,)
