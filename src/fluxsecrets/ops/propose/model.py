"""What `propose` and `fold` take, and what they did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fluxsecrets.errors import FluxsecretsError


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
        kustomization: the kustomization file that is to name the proposal; None finds it.
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
    kustomization: str | None = None
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


@dataclass(frozen=True, slots=True)
class FoldRequest:
    """Which proposals to fold.

    Attributes:
        paths: files of Secrets or of proposals, or folders; none for the whole repository.
        outdated: fold a proposal even if its key was changed after it.
        accept_recipients: see `ProposeRequest`.
        dry_run: write nothing.
    """

    paths: tuple[str, ...] = ()
    outdated: bool = False
    accept_recipients: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class FoldedKey:
    """One key that proposals changed.

    Attributes:
        size: of the new value in bytes, as a class such as `9-16`; None for a removal.
        proposals: the files of the proposals for it, in their order; the last one counts.
    """

    key: str
    change: KeyChange
    size: str | None
    proposals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoldedSecret:
    """A Secret's file and what became of the proposals for it.

    Attributes:
        path: of the file, as shown.
        secret: `NAMESPACE/NAME`.
        keys: that changed.
        warnings: what the user should know.
        error: why nothing was folded, or None.
    """

    path: str
    secret: str
    keys: tuple[FoldedKey, ...] = ()
    warnings: tuple[str, ...] = ()
    error: FluxsecretsError | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """What `fold` did.

    Attributes:
        left: proposals that stay, each with the reason: those for one environment alone.
    """

    secrets: tuple[FoldedSecret, ...]
    left: tuple[tuple[str, str], ...] = ()
    dry_run: bool = False

    @property
    def failed(self) -> bool:
        """Whether any proposal could not be folded."""
        return any(each.error is not None for each in self.secrets)
