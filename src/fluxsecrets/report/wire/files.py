"""The commands that change files, with one entry per file."""

from __future__ import annotations

from typing import Literal, TypedDict

from .common import Error, Summary


class FileResult(TypedDict):
    """What all commands say of a file, but for what became of it."""

    path: str
    """The file; `-` for standard input."""
    values: int | None
    """Encrypted values, comments not counted; null if unknown."""
    recipients: list[str]
    """Names of those who can open the result."""
    warnings: list[str]
    error: Error | None
    """Why it failed."""


class Totals(TypedDict):
    """What is not about a single file."""

    summary: Summary
    """Number of files by outcome, without zeros."""
    notes: list[str]
    """Remarks, and what is left to do."""


class EncryptedFile(FileResult):
    """What became of a file."""

    outcome: Literal[
        "encrypted",
        "would encrypt",
        "unchanged",
        "differs from its rule",
        "invalid in Kubernetes",
        "allowed",
        "failed",
    ]


class Encrypted(Totals):
    """What `encrypt` did, or would do."""

    files: list[EncryptedFile]


class DecryptedFile(FileResult):
    """What became of a file."""

    outcome: Literal["decrypted", "unchanged", "failed"]


class Decrypted(Totals):
    """What `decrypt -i` did."""

    files: list[DecryptedFile]


class RekeyedFile(FileResult):
    """What became of a file, and who can open it now."""

    outcome: Literal["rotated", "would rotate", "synced", "would sync", "unchanged", "failed"]
    added: list[str]
    """Recipients that can open it now."""
    removed: list[str]
    """Recipients that can't any more."""
    rearranged: bool
    """Key groups or threshold changed too."""
    new_data_key: bool
    """Every value was encrypted again."""
    regenerated: list[str]
    """Keys of values that were generated again."""
    shared_with: list[str]
    """Other environments that it belongs to."""


class Rekeyed(Totals):
    """What a command changed that decides who can open files."""

    files: list[RekeyedFile]


class MovedFile(FileResult):
    """What became of a file, and the forms of its Secrets."""

    outcome: Literal[
        "sealed",
        "would seal",
        "resealed",
        "would reseal",
        "converted",
        "would convert",
        "left as it is",
        "unchanged",
        "failed",
    ]
    before: list[Literal["sops", "sealed", "external", "plain"]]
    after: Literal["sops", "sealed", "external", "plain"] | None
    """Null if nothing was done."""
    places: list[str]
    """Scopes of SealedSecrets, or keys in a store."""
    kept: int
    """Values that kept their ciphertext."""
    renamed: str | None
    """The file's new name, in the same folder."""


class Moved(Totals):
    """What a command did with Secrets of one form."""

    files: list[MovedFile]


class ValueSet(TypedDict):
    """What became of one value."""

    path: str
    key: str
    change: Literal["added", "changed", "removed", "unchanged"]
    warnings: list[str]
    dry_run: bool
    """Nothing was written."""


class PublishedFile(FileResult):
    """What became of a file, and where it is published."""

    outcome: Literal["published", "would publish", "unchanged", "failed"]
    destination: str | None
    """Its address; null if no rule names one."""
    state: Literal["new", "changed", "same", "not readable"] | None
    """What is there, compared with the file."""
    reencrypted: bool
    """A copy with a data key of its own is published."""


class Published(Totals):
    """What `publish` uploaded, or would upload."""

    files: list[PublishedFile]
