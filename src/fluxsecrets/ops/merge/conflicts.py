"""Name the values on which two sides disagree."""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.merging import Conflict
from fluxsecrets.sops.document import show_path


def shown_conflicts(conflicts: Sequence[Conflict]) -> tuple[str, ...]:
    """Return the places of conflicts for people. Several documents of a file are numbered from 1."""
    several = any(conflict.part for conflict in conflicts)
    return tuple(_shown(conflict, several=several) for conflict in conflicts)


def _shown(conflict: Conflict, *, several: bool) -> str:
    where = show_path(conflict.path)
    if not several:
        return where or "the whole file"
    document = f"document {conflict.part + 1}"
    return f"{where} in {document}" if where else document
