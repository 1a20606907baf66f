"""What a comparison finds. Nothing here holds a value, except where the caller asked for values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.document import Path
from fluxsecrets.sops.envelope import RecipientGroups
from fluxsecrets.sops.values import Value


class LengthClass(NamedTuple):
    """A range of lengths in bytes, ends included; the exact length would help to guess a value."""

    low: int
    high: int

    def __str__(self) -> str:
        """Such as `9-16`, or `0`."""
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


class Shape(NamedTuple):
    """What may be known of a value.

    Attributes:
        kind: as in a ciphertext's `type:` (`str`, `int`, `bool`, …), `null`, or `sealed` for a sealed value.
        length: of the value, under `data:` of a Secret of what it decodes to; None if it says nothing, or
            all there is to know.
    """

    kind: str
    length: LengthClass | None = None


class Masked(NamedTuple):
    """A value that is not shown.

    Attributes:
        token: equal for equal values within one run, "" if the value is unknown. Encrypted values and
            values in plain text never have the same one: a plain text would give away the encrypted value.
    """

    shape: Shape
    token: str


class ValueState(StrEnum):
    """What became of a value."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REENCRYPTED = "re-encrypted"
    """The same value, but another ciphertext; or it was plain text, or is plain text now."""
    UNKNOWN = "unknown"
    """The ciphertext differs, and no key is at hand to tell whether the value does."""


@dataclass(frozen=True, slots=True)
class ValueDiff:
    """One value that differs.

    Attributes:
        part: the YAML document, from 0; of the later version, for a removed value of the earlier one.
        object: kind, namespace (if any) and name of the object, or "".
        line: 1-based line in that version.
        before, after: None if that version does not have the value.
        encrypted_before, encrypted_after: whether it was a ciphertext or sealed value.
        plain_before, plain_after: the values themselves, only if they were asked for and are known.
    """

    part: int
    object: str
    path: Path
    line: int | None
    state: ValueState
    before: Masked | None
    after: Masked | None
    encrypted_before: bool
    encrypted_after: bool
    plain_before: Value = field(default=None, repr=False)
    plain_after: Value = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ReferenceDiff:
    """A value of an ExternalSecret that comes from elsewhere now.

    Attributes:
        key: of the Secret, or `*` for all that a source has.
        before, after: store, key, property and version, such as `SecretStore/vault apps/db#password`.
    """

    part: int
    object: str
    key: str
    line: int | None
    before: str | None
    after: str | None


class Mac(StrEnum):
    """What is known of a file's MAC."""

    OK = "ok"
    WRONG = "wrong"
    """It does not match or is missing, or a value was moved or damaged."""
    UNKNOWN = "unknown"
    """No key is at hand to check it."""


@dataclass(frozen=True, slots=True)
class SideInfo:
    """One version of a file as a whole.

    Attributes:
        path: in the repository.
        encrypted: it has a `sops` block.
        secret: it must be protected: it is encrypted, or a plain file that is a secret.
        mac: None if it is not encrypted.
        opened: its values are known: it was decrypted, or is plain text.
        undecided: nobody can tell whether it opens: a service gave no answer, or an identity stayed locked.
        recipients: by key group.
        selector: such as `encrypted_regex: ^(data|stringData)$`, or "".
        threshold: key groups needed to decrypt it.
        error: why it can't be read, or what is wrong with it.
    """

    path: str
    encrypted: bool = False
    secret: bool = False
    mac: Mac | None = None
    opened: bool = False
    undecided: bool = False
    recipients: RecipientGroups = ()
    selector: str = ""
    threshold: int = 1
    mac_only_encrypted: bool = False
    error: FluxsecretsError | None = None


class FileState(StrEnum):
    """What became of a file."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    ENCRYPTED = "encrypted"
    """It was plain text before."""
    DECRYPTED = "decrypted"
    """It was encrypted, and is plain text now."""
    RENAMED = "renamed"
    """Nothing differs but its path."""
    SAME = "same"
    """Only text outside of values differs."""
    UNREADABLE = "unreadable"
    """One version can't be read, so nothing can be told."""


@dataclass(frozen=True, slots=True)
class FileDiff:
    """Two versions of one file.

    Attributes:
        path: of the later version, or of the only one.
        old_path: if it had another one.
        values: in the order of the file, removed ones where they were.
        references: what differs in ExternalSecrets.
        before, after: the versions as wholes; None for one that does not exist.
        recipients_added, recipients_removed: names, or shortened keys; for a name that only the later
            version gives, both.
        new_data_key: None if that can't be told.
        comments: a comment of a file differs that is encrypted in a version; None if that can't be told.
    """

    path: str
    old_path: str | None
    state: FileState
    values: tuple[ValueDiff, ...] = ()
    references: tuple[ReferenceDiff, ...] = ()
    before: SideInfo | None = None
    after: SideInfo | None = None
    recipients_added: tuple[str, ...] = ()
    recipients_removed: tuple[str, ...] = ()
    new_data_key: bool | None = None
    comments: bool | None = False

    @property
    def differs(self) -> bool:
        """Whether there is anything to report."""
        before, after = self.before, self.after
        return (
            self.state is not FileState.SAME
            or bool(self.values or self.references)
            or self.comments is not False
            or bool(self.recipients_added or self.recipients_removed or self.new_data_key)
            or (before is not None and after is not None and _protection(before) != _protection(after))
        )


def _protection(side: SideInfo) -> tuple[object, ...]:
    return (side.recipients, side.selector, side.threshold, side.mac_only_encrypted, side.mac)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a file.

    Attributes:
        path: relative to the repository's root with `/`.
        data: its content.
        format: see `sops.formats.FORMATS`.
        secret: it is a secret even in plain text, such as a file that a secretGenerator reads. Of a manifest
            the Secrets count, whatever this says.
    """

    path: str
    data: bytes = field(repr=False)
    format: str
    secret: bool = False
