"""What `propose` and `fold` take, and what they did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class KeyChange(StrEnum):
    """What a proposal does to a key of its Secret."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ProposeRequest:
    """What to propose.

    Attributes:
        path: the Secret's file, as the user named it.
        key: of the value: `password`, or with the map: `stringData.password`.
        environment: the value is for this one alone; None for all that have the Secret.
        document: the YAML document with the Secret, from 1; None if only one is a Secret.
        remove: propose to remove the key.
        raw: the value is base64, and is decoded.
        create_kustomization: if the folder has no kustomization file, write one with what Flux takes there.
        accept_recipients: take recipients and a selector that the creation rule doesn't have.
        dry_run: write nothing.
    """

    path: str
    key: str
    environment: str | None = None
    document: int | None = None
    remove: bool = False
    raw: bool = False
    create_kustomization: bool = False
    accept_recipients: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal that was made. Paths are as shown to the user.

    Attributes:
        path: of the patch.
        kustomization: of the file that names it.
        created: that file is new.
        secret: the Secret's file.
        key: of the value.
        change: what becomes of the key.
        environments: those in which Flux applies it.
        recipients: names of those who can read the value; none for a removal.
        warnings: what the user should know.
        dry_run: nothing was written.
    """

    path: str
    kustomization: str
    created: bool
    secret: str
    key: str
    change: KeyChange
    environments: tuple[str, ...]
    recipients: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    dry_run: bool = False
