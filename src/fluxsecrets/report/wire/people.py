"""Who can read what, and identities."""

from __future__ import annotations

from typing import Literal, TypedDict

from .common import Error


class RecipientFiles(TypedDict):
    """A recipient and its files."""

    name: str
    kind: str
    """Such as age or pgp."""
    recipient: str
    """The whole public key, or what names it at its service."""
    files: list[str]
    """Encrypted for it."""
    not_in_rule: list[str]
    """Of these, against their rule."""
    missing: list[str]
    """Not encrypted for it, although their rule names it."""
    environments: dict[str, int]
    """Number of its files in each environment; empty if only some files were read."""


class RecipientList(TypedDict):
    """Who can read what."""

    files: int
    """Encrypted files that were read."""
    recipients: list[RecipientFiles]
    errors: list[Error]
    notes: list[str]


class LeftValue(TypedDict):
    """A value that could be read, without its content."""

    path: str
    key: str
    """Empty if the file is one value."""
    since: str | None
    """The first commit; null is the work tree."""
    until: str | None
    """The last commit."""
    plain_text: bool
    """It was in plain text at some time."""
    state: Literal[
        "to change",
        "to change, or to look at",
        "to look at",
        "changed since",
        "not there any more",
        "done",
        "accepted",
    ]
    settled: bool
    """Nothing is left to do."""
    here: bool
    """It is still at this place."""
    places: list[str]
    """Other places where the value is now: PATH#KEY, or PATH:LINE in files that aren't secrets."""
    together_with: list[str]
    """By key group, the names of others without whom it could not be read; empty if none were needed."""
    advice: str
    reason: str
    """Why it was accepted."""


class LeftFile(TypedDict):
    """A file that can't be compared, so that it may hold one of the values."""

    path: str
    why: str
    state: Literal["to look at", "done", "accepted"]
    settled: bool
    """Nothing is left to do."""
    reason: str
    """Why it was accepted."""


class LeaverReport(TypedDict):
    """What someone who left could read, and what is left to change."""

    name: str
    kind: str
    recipient: str
    removed: str
    """The day, in ISO form."""
    left: int
    """Values and files that are not settled, and one more if the history is cut off; 0 with exit code 0."""
    values: list[LeftValue]
    not_compared: list[LeftFile]
    cut_off: bool
    """The history is cut off, so that there may be more."""
    notes: list[str]
    """What can't be determined."""


class Reader(TypedDict):
    """Someone who could read it."""

    name: str
    kind: str | None
    """Null for plain text."""
    recipient: str | None
    since: str | None
    until: str | None
    still: bool
    """As it is now."""
    by_data_key: bool
    """It is not encrypted for them now, but they know its data key from an older version."""
    cannot_tell: bool
    """Unknown whether they know its current data key."""
    together_with: list[str]


class Exposure(TypedDict):
    """Who could read a file or a value, and when."""

    path: str
    key: str | None
    plain_text: bool
    """It was in plain text at some time."""
    readers: list[Reader]
    values: list[LeftValue]
    not_compared: list[LeftFile]
    not_understood: list[str]
    """Commits whose version could not be read."""


class Identity(TypedDict):
    """An identity, and what it opens."""

    name: str | None
    recipient: str | None
    """The public key; null for a plugin's identity that does not tell."""
    kind: Literal["x25519", "post-quantum", "plugin", "ssh", "pgp"]
    places: list[str]
    locked: bool
    """A passphrase has to be asked for."""
    environments: dict[str, int]
    """How many encrypted files it opens, by environment."""
    other_files: int
    """Encrypted files of no environment that it opens."""


class IdentityList(TypedDict):
    """The identities that were found."""

    keys: list[Identity]
    places: list[str]
    """The places that were searched."""
    warnings: list[str]
    errors: list[Error]


class KeptIdentity(TypedDict):
    """An identity that was put where it belongs. The object never has the private key."""

    name: str | None
    recipient: str
    """The public key."""
    place: str
    """Where the private key is, for people."""
    added: bool
    """False if it was there already."""
    public_file: str | None
    """The file with the public key."""
    warnings: list[str]


class KeptIdentities(TypedDict):
    """Identities that were put where they belong."""

    keys: list[KeptIdentity]


class RemovedIdentity(TypedDict):
    """An identity that was deleted."""

    name: str | None
    recipient: str
    """The public key."""
    places: list[str]
    """Where it was, for people."""
    stays: list[str]
    """Places that it could not be removed from, one sentence each."""
    lost: list[str]
    """Files of this repository that nobody can open now."""
    unreadable: int
    """How many more files you can't open now, but others can."""
