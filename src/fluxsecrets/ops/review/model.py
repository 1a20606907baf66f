"""The result of `review`: what a change does to secrets, item by item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.findings import Severity

NO_ENVIRONMENT = "outside every environment"
"""The group of items whose file belongs to no environment."""

_NAMED = 6
"""Environments that a heading names."""


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One thing that a change does.

    Attributes:
        kind: the id in the table of kinds, such as `access-gained`.
        environments: those that it concerns, sorted; empty if the file belongs to none.
        path: the file in the state after the change, or before if it is gone; relative to the root.
        line: 1-based, in the state after the change; None for the whole file, or if it is gone.
        object: such as `Secret apps/database`, or "".
        title: what happens, in one sentence; lower-case start, no full stop. Names keys, never values.
        details: more of it, a line each.
        hint: what to do, with FILE for the path; "" if there is nothing to do.
        anchor: stays the same while lines move and more commits are pushed.
    """

    kind: str
    severity: Severity
    environments: tuple[str, ...]
    path: str
    line: int | None
    object: str
    title: str
    details: tuple[str, ...]
    hint: str
    anchor: str

    @property
    def environment(self) -> str:
        """The heading that it belongs under; a file that environments share has one of its own."""
        names = ", ".join(self.environments[:_NAMED])
        more = len(self.environments) - _NAMED
        return (f"{names} and {more} more" if more > 0 else names) or NO_ENVIRONMENT


@dataclass(frozen=True, slots=True)
class AccessChange:
    """Who gains or loses access to files of an environment.

    Attributes:
        who: the name that the state before has for the recipient, else the shortened key.
        recipient: the public key.
        environment: its name, or `NO_ENVIRONMENT`.
        gained, lost: paths, sorted. A file counts as lost only if it exists before and after.
    """

    who: str
    recipient: str
    environment: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """What a change does to secrets.

    Attributes:
        root: of the repository.
        range: the two states as the user would name them, such as `origin/main..HEAD`.
        base, head: ids of the commits that are compared; others have a name, such as `the index`.
        items: by environment, the most severe first.
        access: by environment and name.
        environments: names of the environments before and after.
        unseen: what could not be looked at, one sentence each.
        files: the number of changed files.
        fail_on: the least severity that makes the review fail; None if nothing does.
    """

    root: Path
    range: str
    base: str
    head: str
    items: tuple[ReviewItem, ...]
    access: tuple[AccessChange, ...]
    environments: tuple[str, ...]
    unseen: tuple[str, ...]
    files: int
    fail_on: Severity | None

    @property
    def by_environment(self) -> Iterator[tuple[str, tuple[ReviewItem, ...]]]:
        """The items under their headings."""
        for heading in dict.fromkeys(item.environment for item in self.items):
            yield heading, tuple(item for item in self.items if item.environment == heading)

    @property
    def summary(self) -> Mapping[Severity, int]:
        """The number of items by severity, the most severe first."""
        counts = Counter(item.severity for item in self.items)
        return {severity: counts[severity] for severity in sorted(counts, reverse=True)}

    @property
    def fails(self) -> bool:
        """Whether an item is severe enough to fail."""
        return self.fail_on is not None and any(item.severity >= self.fail_on for item in self.items)
