"""The commands `propose` and `fold`."""

from __future__ import annotations

from typing import Literal, TypedDict

from .common import Error


class FoldedKey(TypedDict):
    """One key of a Secret."""

    key: str
    change: Literal["added", "changed", "removed"]
    size: str | None
    """Of the new value in bytes, as a class such as 9-16."""
    proposals: list[str]
    """Their files; the last one counts."""


class FoldedSecret(TypedDict):
    """A ShownSecret with proposals that can be folded."""

    path: str
    """Of its file."""
    secret: str
    """NAMESPACE/NAME, or the name."""
    keys: list[FoldedKey]
    warnings: list[str]
    error: Error | None


class LeftProposal(TypedDict):
    """A proposal that can't be folded."""

    path: str
    reason: str


class Folded(TypedDict):
    """What `fold` did."""

    secrets: list[FoldedSecret]
    """Each ShownSecret with proposals that can be folded."""
    left: list[LeftProposal]
    """Proposals that can't be folded."""
    written: bool
    """False if a ShownSecret has an error: all or nothing."""


class Proposed(TypedDict):
    """What `propose` wrote."""

    path: str
    """Of the patch."""
    kustomization: str
    """The kustomization file that names it."""
    created: bool
    """That file is new."""
    secret: str
    """The Secret's file."""
    key: str
    change: Literal["added", "changed", "removed"]
    environments: list[str]
    """In which Flux applies it."""
    recipients: list[str]
    """Who can read the value."""
    warnings: list[str]
    dry_run: bool
