"""The versions of a file that are merged, and the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from fluxsecrets.errors import FluxsecretsError


@dataclass(frozen=True, slots=True)
class Versions:
    """The three versions of one file, as they are in git.

    Attributes:
        base: the common ancestor, or None if both sides added the file.
        ours: the side that git merges into.
        theirs: the side that is merged.
    """

    base: bytes | None = field(repr=False)
    ours: bytes = field(repr=False)
    theirs: bytes = field(repr=False)


TAKE_A_SIDE = (
    "take one side with `git checkout --ours FILE` or `git checkout --theirs FILE`, and make the other's"
    " changes again"
)
"""The hint for versions that can't be merged by value."""


class Outcome(StrEnum):
    """What a merge came to."""

    MERGED = "merged"
    CONFLICTS = "conflicts"
    UNSIGNED = "unsigned"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The result for one file.

    Attributes:
        outcome: merged; with conflict markers; without a MAC, since no identity is at hand; or not merged.
        data: the content that the file should have. If it was not merged, it is ours.
        conflicts: the values on which the sides disagree, for people.
        notes: what else the user should know. No value is in them.
        reason: why it was not merged.
    """

    outcome: Outcome
    data: bytes = field(repr=False)
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reason: FluxsecretsError | None = None

    @property
    def clean(self) -> bool:
        """Whether git may take the content as merged."""
        return self.outcome is Outcome.MERGED
