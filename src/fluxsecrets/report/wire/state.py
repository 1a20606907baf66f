"""How files are protected: `status`, `explain`, `unseal --validate`."""

from __future__ import annotations

from typing import Literal, TypedDict

from .common import Error, Summary


class DecryptedBy(TypedDict):
    """A tool other than Flux that decrypts a file."""

    tool: str
    """Such as ksops."""
    path: str
    """The file that names it."""
    line: int


class StatusFile(TypedDict):
    """A file that is a secret, or was named."""

    path: str
    state: Literal["encrypted", "plain", "failed"]
    values: int | None
    """Encrypted values, comments not counted."""
    recipients: list[str]
    """Their names, or shortened keys."""
    openable: bool | None
    """Whether your identities open it; null if it is not encrypted, or nobody can tell: see `locked`."""
    locked: list[str]
    """Identities that would have to be unlocked to tell, such as a key file with a passphrase."""
    selector: str | None
    lastmodified: str | None
    """RFC 3339."""
    reason: str
    """Why it counts as a secret."""
    drift: list[Literal["recipients", "selector", "rule"]]
    """How an encrypted file differs from its creation rule."""
    decrypted_by: DecryptedBy | None
    """The tool other than Flux that a file of the repository gives it to."""
    error: Error | None


class Workers(TypedDict):
    """People, and the files that they can open."""

    people: str
    files: list[str]


class Gone(TypedDict):
    """Someone who left; null where the work is about nobody."""

    name: str | None
    recipient: str | None
    """The public key."""
    since: str | None
    """The day of the removal."""


class OpenWork(Gone):
    """What is left to do by people who can open the files."""

    kind: Literal["removal", "returned", "drift", "proposal"]
    """Why there is work.

    `removal`: someone left and can still read files. `returned`: someone left, but the lines in `places` name
    them again. `drift`: files that you can't open differ from their rule. `proposal`: it waits to be folded.
    """
    files: list[str]
    unsettled: list[str]
    """Files whose data key the leaver may know."""
    places: list[str]
    """PATH:LINE of rules and public keys."""
    who: list[Workers]
    """All of these files, by the people who can open them."""
    command: str
    """What one of them runs."""
    reason: str | None
    """Why a proposal can't be folded."""


class Status(TypedDict):
    """What is encrypted, and for whom."""

    files: list[StatusFile]
    summary: Summary
    open_work: list[OpenWork]
    notes: list[str]
    errors: list[Error]
    """Records of people who left that can't be read."""


class RuleTried(TypedDict):
    """A creation rule."""

    number: int
    line: int
    matched: bool
    path_regex: str | None


class ExplainedValue(TypedDict):
    """A value, and whether the rule encrypts it."""

    key: str
    line: int
    encrypted: bool


class Explanation(TypedDict):
    """Which rule applies to a file, and what it encrypts."""

    path: str
    format: Literal["yaml", "json", "dotenv", "ini", "binary"]
    encrypted: bool
    config: str | None
    """The .sops.yaml that applies."""
    relative_path: str | None
    """The path that path_regex matches against, relative to the folder of `config`."""
    rules: list[RuleTried]
    narrow: bool | None
    """Whether the rule makes the file a secret; null without a rule."""
    narrow_why: str
    groups: list[list[str]]
    """Names of the recipients by key group."""
    threshold: int
    """Groups needed to open it; 0 for one group."""
    needs: list[str]
    """What it takes to decrypt with keys that services hold."""
    selector: str | None
    selector_origin: str
    values: list[ExplainedValue]
    warnings: list[str]
    problem: Error | None


class SealedValue(TypedDict):
    """One value of a SealedSecret."""

    key: str
    line: int | None
    verdict: Literal["opens", "sealed for another place", "broken", "cannot tell"]
    reason: str
    """Empty if it opens."""


class SealedItem(TypedDict):
    """A SealedSecret."""

    path: str
    line: int | None
    name: str
    namespace: str
    """Empty if it names none."""
    scope: Literal["strict", "namespace-wide", "cluster-wide"]
    values: list[SealedValue]


class Validation(TypedDict):
    """What `unseal --validate` found out."""

    keys: int
    """Private keys that were at hand."""
    items: list[SealedItem]
    """Each SealedSecret."""
    errors: list[Error]
    """Files that could not be checked."""
    notes: list[str]
    summary: Summary


class ListedEnvironment(TypedDict):
    """An environment."""

    name: str
    folder: str
    """Its folder; empty for the root."""


class ListedSecret(TypedDict):
    """A secret file, and the names of its keys."""

    path: str
    format: str
    encrypted: bool
    reason: str
    """Why it is a secret."""
    environments: list[str]
    keys: list[str]
    """Of its encrypted values; if it is plain, of those that should be."""
    error: Error | None
    """Why its keys can't be listed."""


class Inventory(TypedDict):
    """The secrets of a repository, for agents."""

    environments: list[ListedEnvironment]
    files: list[ListedSecret]
