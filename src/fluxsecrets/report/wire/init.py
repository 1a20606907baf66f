"""The set-up of a repository: `init`."""

from __future__ import annotations

from typing import Literal, TypedDict


class InitItem(TypedDict):
    """A line of the plan."""

    step: str
    action: Literal["create", "change", "keep", "skip", "yours"]
    """`yours`: for you to do."""
    path: str | None
    """The file that it is about; null for a key."""
    subject: str
    """The file as shown to the user, or the name of a key."""
    what: str
    hint: str
    details: list[str]


class InitKey(TypedDict):
    """A person's or a cluster's key."""

    name: str
    recipient: str | None
    """Null: it is not made yet."""
    environment: str | None
    """Whose cluster has it; null: a person has it."""
    place: str | None
    """Where the private key is; null: not here."""
    made: bool


class InitEdit(TypedDict):
    """A change of a manifest, for you to make."""

    path: str
    line: int | None
    name: str
    """The Kustomization."""
    lines: list[str]
    """YAML to add to its spec."""


class Init(TypedDict):
    """What `init` did, or would do."""

    written: bool
    """False: it is a plan, or there was nothing to do."""
    environments: list[str]
    plain: list[str]
    """Secrets in plain text, which `encrypt` encrypts."""
    committed: list[str]
    """Those of them that git has in plain text, too: change their values."""
    items: list[InitItem]
    keys: list[InitKey]
    without_access: list[str]
    """People who are not in the new rules."""
    edits: list[InitEdit]
    next: list[str]
    """Commands."""
    warnings: list[str]
    notes: list[str]


class SopsPlace(TypedDict):
    """A place in a file."""

    path: str
    line: int | None


class SopsDifference(TypedDict):
    """Something that is different here than with sops."""

    message: str
    hint: str
    places: list[SopsPlace]


class FromSops(TypedDict):
    """What differs from the use of sops."""

    configs: int
    """How many .sops.yaml there are."""
    encrypted: int
    """How many files are encrypted."""
    rules: list[SopsDifference]
    """Rules and files."""
    uses: list[SopsDifference]
    """Scripts, jobs, other tools."""
