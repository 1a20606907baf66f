"""How the commit that a cluster has applied is related to the one that is checked out here."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from fluxsecrets.errors import GitError

from .situation import Situation

COMMIT: Final = re.compile(r"(?:^|[:@/])([0-9a-f]{40}|[0-9a-f]{64})$")
"""The end of a revision such as `main@sha1:…`; its group is the commit."""


class Distance(NamedTuple):
    """How far two commits are apart.

    Attributes:
        here: how many commits only the one that is checked out has.
        there: how many only the cluster's has.
    """

    here: int
    there: int


def distance(situation: Situation, commit: str) -> Distance | None:
    """Return how far a commit is from the one that is checked out; None if it is not here.

    Asked once for each commit.
    """
    repository = situation.facts.tree.repository
    if repository is None or situation.head is None:
        return None

    def count() -> Distance | None:
        arguments = ("--left-right", "--count", f"{situation.head}...{commit}", "--")
        try:
            here, there = repository.run("rev-list", *arguments).split()
        except GitError:
            return None
        return Distance(int(here), int(there))

    return situation.facts.once(f"distance of {commit}", count)
