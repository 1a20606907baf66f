"""What a run does: the changes it prepares, and one result per file. What shows results decides nothing."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import FileContent
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.recipients import Recipient


class Outcome(StrEnum):
    """What became of a file."""

    ENCRYPTED = "encrypted"
    WOULD_ENCRYPT = "would encrypt"
    DECRYPTED = "decrypted"
    ROTATED = "rotated"
    WOULD_ROTATE = "would rotate"
    SEALED = "sealed"
    WOULD_SEAL = "would seal"
    RESEALED = "resealed"
    WOULD_RESEAL = "would reseal"
    CONVERTED = "converted"
    WOULD_CONVERT = "would convert"
    SYNCED = "synced"
    WOULD_SYNC = "would sync"
    PROPOSED = "proposed"
    FOLDED = "folded"
    EXTRACTED = "extracted"
    PUBLISHED = "published"
    WOULD_PUBLISH = "would publish"
    LEFT = "left as it is"
    DIFFERS = "differs from its rule"
    INVALID = "invalid in Kubernetes"
    ALLOWED = "allowed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file's result.

    Attributes:
        path: as shown to the user, with `/`.
        values: how many encrypted values it holds, or None if they were not counted.
        recipients: names or shortened keys of those who can open it.
        warnings: what the user should know, one sentence each.
        opened_with: whose keys opened it; only for the log.
        drift: where it differs from its rule, where it is encrypted: `recipients`, `selector`.
        destination: the address of the place outside the repository that it went to, or None.
    """

    path: str
    outcome: Outcome
    values: int | None = None
    recipients: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: FluxsecretsError | None = None
    opened_with: tuple[Recipient, ...] = ()
    drift: tuple[str, ...] = ()
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """An object that Flux deletes from the cluster, since another kind of object replaces it.

    Attributes:
        kind: Secret, SealedSecret or ExternalSecret.
        namespace: in the manifest, or "".
        prepared: its annotations keep the Secret in the cluster, and let the next owner take it over.
    """

    kind: str
    namespace: str
    name: str
    prepared: bool


@dataclass(frozen=True, slots=True)
class MovedResult(FileResult):
    """A file's result, with how its Secrets are kept.

    Attributes:
        before: the forms that they had, such as `sops`; empty where they had none.
        after: the form that they have now, or None.
        places: what they are bound to now: scopes of SealedSecrets, or keys in a store.
        kept: how many values kept their ciphertext.
        renamed: the file's new name, or None.
        handovers: the objects in the cluster that other kinds of objects replace.
    """

    before: tuple[str, ...] = ()
    after: str | None = None
    places: tuple[str, ...] = ()
    kept: int = 0
    renamed: str | None = None
    handovers: tuple[Handover, ...] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's change, not made yet.

    Attributes:
        path: absolute, links resolved.
        new: its new content; None removes it.
        old: what was read there, also without its bytes, or the bytes alone; None where there must be no
            file.
        mode: permission bits of a new file; None keeps the old file's, or is 0o600.
    """

    path: Path
    new: bytes | None = field(repr=False)
    old: FileContent | bytes | None = field(repr=False)
    mode: int | None = None

    def is_old(self, data: bytes | None) -> bool:
        """Whether this is what the file held; None stands for no file."""
        if isinstance(self.old, FileContent):
            return data is not None and self.old.is_same(data)
        return data == self.old


class Prepared(NamedTuple):
    """A file's result, and the change that makes it true.

    Attributes:
        result: what to report once the change is made.
        change: None where there is nothing to write.
    """

    result: FileResult
    change: FileChange | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """All files of a run.

    Attributes:
        files: in the order in which they were asked for.
        notes: what was not followed or not understood while they were looked for.
        listed: those that people are to look at; None for all.
        next_steps: what is left to do, shown last.
        empty: why there is not a single file.
    """

    files: tuple[FileResult, ...]
    notes: tuple[str, ...] = ()
    listed: tuple[FileResult, ...] | None = None
    next_steps: tuple[str, ...] = ()
    empty: str = "no file with a secret was found"

    def count(self, outcome: Outcome) -> int:
        """How many files have this outcome."""
        return sum(result.outcome is outcome for result in self.files)

    @property
    def failed(self) -> bool:
        """Whether any file failed."""
        return any(result.outcome is Outcome.FAILED for result in self.files)
