"""The commands of `env`."""

from __future__ import annotations

from typing import Literal, TypedDict

from .common import Note
from .flux import FluxRelease


class EnvironmentCounts(TypedDict):
    """An environment in numbers."""

    name: str
    folder: str
    """Its folder; empty for the root."""
    kustomizations: int
    secrets: dict[str, int]
    outside: int
    """Its files that Flux does not apply."""
    missing: int
    """Secrets that are used but in no file."""
    warnings: int
    """Broken parts, which hide what they lead to."""


class EnvironmentList(TypedDict):
    """The environments of the repository."""

    environments: list[EnvironmentCounts]


class SuggestedEnvironment(TypedDict):
    """A folder that may be an environment."""

    name: str
    path: str
    """Its folder; empty for the root."""
    why: str
    """What shows it; empty for an environment that was found."""


class Suggestions(TypedDict):
    """Environments that `.fluxsecrets.yaml` may name; if none was found, what was seen instead."""

    environments: list[SuggestedEnvironment]
    reasons: list[Note]
    """Why nothing that was seen shows an environment."""
    kustomizations: int | None
    """How many there are; null if environments were found."""
    sources: list[str]
    """What they are built from."""


class ShownSecret(TypedDict):
    """A ShownSecret, and how it is protected."""

    name: str | None
    """Null for a file that Flux does not apply."""
    namespace: str | None
    protection: Literal["sops", "sealed", "external", "cluster", "plain"]
    path: str
    line: int | None
    """1-based."""
    files: list[str]
    """The files of its generator."""
    recipients: list[str]
    """Who can open it, for sops."""
    shared: list[str]
    """Other environments that its file is part of."""


class Kustomization(TypedDict):
    """A Kustomization of Flux, and what it brings."""

    name: str | None
    """Null for a root that nothing here syncs."""
    namespace: str | None
    parent: int | None
    """Position in this list of the one that applies it."""
    folder: str | None
    """The folder that it applies; null if it is not followed."""
    decryption: str | None
    """The ShownSecret that it decrypts with; empty for the controller's own keys."""
    service_account: str | None
    """The one whose role it decrypts with."""
    depends_on: list[str]
    suspended: bool
    remote: bool
    """Applied to another cluster."""
    reason: str | None
    """Why it is not followed."""
    path: str | None
    line: int | None
    secrets: list[ShownSecret]


class EnvironmentNote(TypedDict):
    """What was not followed, or is broken."""

    path: str
    line: int | None
    message: str
    warning: bool
    """Something is broken, so that not all is known."""


class EnvironmentShown(TypedDict):
    """One environment."""

    name: str
    folder: str
    """Its folder; empty for the root."""
    kustomizations: list[Kustomization]
    """The root first, each after its dependencies."""
    outside: list[ShownSecret]
    missing: list[ShownSecret]
    secrets: dict[str, int]
    flux: FluxRelease | None
    """The version of Flux of its cluster; null if nothing says it."""
    notes: list[EnvironmentNote]


class NewFile(TypedDict):
    """A file that is written."""

    path: str
    origin: str | None
    """The file that it is a copy of."""
    new: bool
    """False for one that is added to."""


class NewSecret(TypedDict):
    """A secret of the new environment."""

    path: str
    to_fill: list[str]
    """Keys whose value is REPLACE_ME; empty for a file that is one value."""
    filled: int
    """Values that were copied or generated; the file is encrypted then."""
    sealed: bool
    """It was a SealedSecret."""


class NewKey(TypedDict):
    """The cluster's identity."""

    name: str
    recipient: str | None
    """Null if it would be created."""
    made: bool


class RenamedWord(TypedDict):
    """A word that was replaced."""

    path: str
    line: int
    old: str
    new: str


class EnvironmentAdded(TypedDict):
    """What `env add` wrote, or would write."""

    name: str
    folder: str
    """Its folder; empty for the root."""
    source: str
    """The environment that it is made from."""
    written: bool
    """False with --dry-run."""
    files: list[NewFile]
    secrets: list[NewSecret]
    key: NewKey
    rules: list[str]
    """Additions to creation rules, with their lines."""
    decryption: list[str]
    """Kustomizations that get `decryption`, since they bring Secrets."""
    shared: list[str]
    """Secrets that both environments use."""
    granted: list[str]
    """Of these, whose rules name the new key: recipients sync encrypts them for it."""
    renamed: list[RenamedWord]
    """Words that were replaced, and may name something outside of the repository."""
    warnings: list[str]
    next: list[str]
    """The remaining steps."""
