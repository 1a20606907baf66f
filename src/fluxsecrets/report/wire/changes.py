"""Versions of files: `diff`, `resolve`, `recover`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from .common import Error, Summary


class MaskedValue(TypedDict):
    """What is shown of a value: enough to compare it within one run."""

    kind: str
    """The type in the ciphertext, null, or sealed; in a conflict also map and list."""
    length: list[int] | None
    """Least and greatest length in bytes; under `data:` of a Secret, of what the base64 decodes to."""
    token: str | None
    """Equal for equal values within one run; null if the value is unknown."""
    encrypted: bool


class FileVersion(TypedDict):
    """One version of a file."""

    encrypted: bool
    mac: Literal["ok", "wrong", "unknown"] | None
    opened: bool
    """The values are known."""
    recipients: list[list[str]]
    """By key group."""
    selector: str | None
    threshold: int | None
    """Key groups needed."""
    mac_only_encrypted: bool
    error: Error | None


class ValueDifference(TypedDict):
    """A value that differs."""

    document: int
    """Number of the YAML document, from 1."""
    object: str
    """Kind, namespace and name."""
    key: str
    line: int | None
    state: Literal["added", "removed", "changed", "re-encrypted", "unknown"]
    before: MaskedValue | None
    after: MaskedValue | None
    value_before: NotRequired[Any]
    """With --show-values."""
    value_after: NotRequired[Any]
    """With --show-values."""


class ReferenceDifference(TypedDict):
    """A reference of an ExternalSecret that differs."""

    document: int
    """Number of the YAML document, from 1."""
    object: str
    """Kind, namespace and name."""
    key: str
    line: int | None
    before: str | None
    after: str | None


class FileDifference(TypedDict):
    """A file that differs."""

    path: str
    old_path: str | None
    state: Literal["added", "removed", "changed", "encrypted", "decrypted", "renamed", "unreadable"]
    values: list[ValueDifference]
    references: list[ReferenceDifference]
    """Of ExternalSecrets."""
    recipients_added: list[str]
    recipients_removed: list[str]
    new_data_key: bool | None
    """Null if that can't be told."""
    comments_differ: bool | None
    before: FileVersion | None
    after: FileVersion | None


class Difference(TypedDict):
    """Which values differ between two states."""

    before: str
    after: str
    with_values: bool
    files: list[FileDifference]
    summary: Summary


class SideCommit(TypedDict):
    """A side of the conflict."""

    commit: str
    subject: str
    names: list[str]
    """Branches at the commit."""


class Conflict(TypedDict):
    """A value that differs on both sides."""

    key: str
    document: int | None
    """The YAML document, from 1, if there are several."""
    settled: Literal["ours", "theirs", "base", "entered"] | None
    """The value that was taken; null if the conflict is left."""
    by_hand: bool
    """It was resolved in the file before."""
    ours: MaskedValue | None
    theirs: MaskedValue | None
    base: MaskedValue | None


class Resolving(TypedDict):
    """The conflicts of a file, and what became of them."""

    path: str
    outcome: Literal["resolved", "partly resolved", "unresolved", "already resolved", "no conflict"]
    operation: Literal["merge", "rebase", "cherry-pick", "revert", "stash", "unknown", "committed"] | None
    """What stopped at the conflict; committed: the conflict is in a merge commit."""
    ours: SideCommit | None
    theirs: SideCommit | None
    conflicts: list[Conflict]
    changed_by_hand: list[str]
    """What else was changed in the file, and is not in the result."""
    staged: bool
    notes: list[str]


class Run(TypedDict):
    """A run of a command that changes files."""

    command: str
    """Empty if it is unknown."""
    since: str
    """ISO 8601, in UTC."""
    user: str
    host: str
    pid: int


class InterruptedFile(TypedDict):
    """A file of the interrupted run."""

    path: str
    state: Literal["done", "pending", "changed"]
    reason: str


class Recovery(TypedDict):
    """What an interrupted command left."""

    running: Run | None
    """What is changing files right now."""
    interrupted: Run | None
    """What was interrupted."""
    files: list[InterruptedFile]
    problem: Error | None
    """Why the journal can't be followed."""
    ways: list[Literal["resume", "abort", "leave"]]
    kept: list[str]
    """Folders with versions from earlier operations."""
    summary: Summary


class KeptFile(TypedDict):
    """A file that somebody changed meanwhile."""

    path: str
    reason: str
    before: str | None
    after: str | None


class Ended(TypedDict):
    """How the interrupted run ended."""

    way: Literal["resume", "abort", "leave"]
    command: str | None
    """Null if the journal was put aside."""
    files: int
    done: int
    """Files that were replaced, created or removed for that."""
    folder: str | None
    """Where the versions, or the journal, are now."""
    kept: list[KeptFile]
    """Files that stay as they are, with their versions."""


class Recovered(TypedDict):
    """What `recover` did."""

    ended: Ended
    notes: list[str]
