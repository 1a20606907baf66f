"""Secrets that only what stands beside them gives away."""

from __future__ import annotations

from typing import NamedTuple


class Pair(NamedTuple):
    """A secret without a mark of its own, near a token that has one.

    Attributes:
        beside: id of the rule whose token stands near.
        within: bytes, before it and after it.
        pattern: for the text around it; the secret is group 1.
        entropy: bits per character that the secret must have.
        rule: id of the rule that it is reported as.
    """

    beside: str
    within: int
    pattern: str
    entropy: float
    rule: str


PAIRS: tuple[Pair, ...] = (
    Pair(
        beside="aws-access-key-id",
        within=240,
        pattern=r"(?:^|[^0-9A-Za-z/+=])([0-9A-Za-z/+]{40})(?:[^0-9A-Za-z/+=]|$)",
        entropy=4.2,
        rule="aws-secret-access-key",
    ),
)
