"""Patches as a kustomization file names them: from files, or in place."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.records import dataclass
from fluxsecrets.repo.manifests import read_documents
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.document import Sequence as ListNode
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.either import load_either

from .kustomizationfile import PatchEntry
from .oldyaml import old_data
from .patches import Patch, PatchError, check_json, read_patch

_LIST = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*-[ \t]")
"""How a list starts, which a JSON 6902 patch is."""


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
    place, content = None, b""
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
        shown = content.decode(errors="replace")
        check_json(shown)
        documents: list[object] = [
            old_data(node) if isinstance(node, ListNode) and not shown.startswith("[") else to_data(node)
            for node in nodes
        ]
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
        # The keys of a JSON 6902 patch become texts on the way through JSON.
        is_of_keys = error.message == "a map key is not a string" and _LIST.match(content) is not None
        known = isinstance(error, FormatError) and not is_of_keys
        return Refused(error.message, place or file, line, known=known)
    except PatchError as error:
        return Refused(str(error), place or file, 1 if place else entry.line, known=True)
    return () if patch is None else (patch,)
