"""What a run does: the changes it prepares, one result per file, and the record that the log is written from.

What shows results decides nothing. Notes go to the innermost `recording` of their context: to the command,
and in a worker process to the work on one file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import FileContent
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
    LEFT = "left as it is"
    DIFFERS = "differs from its rule"
    ALLOWED = "allowed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file's result.

    Attributes:
        path: as shown to the user, with `/`.
        outcome: what became of it.
        values: how many encrypted values it holds, or None if they were not counted.
        recipients: names or shortened keys of those who can open it.
        warnings: what the user should know, one sentence each.
        error: why it failed.
        opened_with: whose keys opened it; only for the log.
        drift: where it differs from its rule, where it is encrypted: `recipients`, `selector`.
    """

    path: str
    outcome: Outcome
    values: int | None = None
    recipients: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: FluxsecretsError | None = None
    opened_with: tuple[Recipient, ...] = ()
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MovedResult(FileResult):
    """A file's result, with how its Secrets are kept.

    Attributes:
        before: the forms that they had, such as `sops`; empty where they had none.
        after: the form that they have now, or None.
        places: what they are bound to now: scopes of SealedSecrets, or keys in a store.
        kept: how many values kept their ciphertext.
        renamed: the file's new name, or None.
    """

    before: tuple[str, ...] = ()
    after: str | None = None
    places: tuple[str, ...] = ()
    kept: int = 0
    renamed: str | None = None


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's change, not made yet.

    Attributes:
        path: absolute, links resolved.
        new: its new content; None removes it.
        old: what was read there, or its bytes alone; None where there must be no file.
        mode: permission bits of a new file; None keeps the old file's, or is 0o600.
    """

    path: Path
    new: bytes | None = field(repr=False)
    old: FileContent | bytes | None = field(repr=False)
    mode: int | None = None

    @property
    def old_data(self) -> bytes | None:
        """What the file held."""
        return self.old.data if isinstance(self.old, FileContent) else self.old


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
    """

    files: tuple[FileResult, ...]
    notes: tuple[str, ...] = ()
    listed: tuple[FileResult, ...] | None = None

    def count(self, outcome: Outcome) -> int:
        """How many files have this outcome."""
        return sum(result.outcome is outcome for result in self.files)

    @property
    def failed(self) -> bool:
        """Whether any file failed."""
        return any(result.outcome is Outcome.FAILED for result in self.files)


@dataclass(slots=True)
class Record:
    """Notes of one run, or of one file of it.

    Attributes:
        keys: whose identities opened data keys, each once.
        files: results of files, in order.
        leaving: is called before another program takes the place of this process; it may raise.
    """

    keys: dict[Recipient, None] = field(default_factory=dict)
    files: list[FileResult] = field(default_factory=list)
    leaving: Callable[[], None] | None = None


_current: ContextVar[Record | None] = ContextVar("record", default=None)


def is_recording() -> bool:
    """Whether this run is recorded."""
    return _current.get() is not None


Kept = TypeVar("Kept", Record, None)


@contextmanager
def recording(record: Kept) -> Iterator[Kept]:
    """Take notes, or none for None; an outer `recording` does not get them."""
    token = _current.set(record)
    try:
        yield record
    finally:
        _current.reset(token)


def record_from_now_on(record: Record) -> None:
    """Take notes until the `recording` around this ends."""
    _current.set(record)


def note_key(recipient: Recipient) -> None:
    """Note that the identity of a recipient opened a data key."""
    record = _current.get()
    if record is not None:
        record.keys[recipient] = None


def note_file(result: FileResult) -> None:
    """Note what became of a file of many."""
    record = _current.get()
    if record is not None:
        record.files.append(result)


def note_leaving() -> None:
    """Note that another program takes the place of this process.

    Raises:
        FluxsecretsError: that could not be logged, and has to be.
    """
    record = _current.get()
    if record is not None and record.leaving is not None:
        record.leaving()
