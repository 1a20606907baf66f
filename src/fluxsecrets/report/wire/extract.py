"""The command `extract`."""

from __future__ import annotations

from typing import TypedDict


class ExtractedValue(TypedDict):
    """A value that moved to a Secret."""

    key: str
    """Where it was, such as spec.values.auth.password."""
    line: int
    secret_key: str
    """In the Secret."""
    how: str
    """What reads it now, such as targetPath auth.password."""


class ExtractedFile(TypedDict):
    """An object and the Secret that got its values."""

    path: str
    """The manifest."""
    object: str
    """Kind and name."""
    values: list[ExtractedValue]
    secret: str
    """The Secret's name."""
    secret_path: str
    """The Secret's file."""
    created: bool
    """That file is new."""
    readers: list[str]
    """Other files that refer to the Secret now."""
    kustomizations: list[str]
    """Files that list it now."""
    environments: list[str]
    """In which Flux applies it."""
    recipients: list[str]
    """Who can read the values."""
    in_history: bool
    """Git has the manifest with the plain values."""
    warnings: list[str]


class LeftValue(TypedDict):
    """A value that was not extracted."""

    path: str
    key: str
    line: int
    reason: str


class ExtractCandidate(TypedDict):
    """A value that could be extracted; the value itself is not shown."""

    path: str
    object: str
    key: str
    line: int


class Extraction(TypedDict):
    """What `extract` did, or could do."""

    files: list[ExtractedFile]
    left: list[LeftValue]
    """Values that were asked for and stay in plain text."""
    candidates: list[ExtractCandidate]
    """Without a key: the values that could be extracted."""
    warnings: list[str]
    """About all of them: what Flux would apply as ciphertext, or not get."""
    dry_run: bool
    """Nothing was written."""
