"""What a token rule is: how one kind of token looks, and what to say when one is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fluxsecrets.findings import Severity


class TokenRule(NamedTuple):
    """How to find one kind of token in any text.

    Attributes:
        title: what it finds, as it stands in a sentence: "GitHub token".
        pattern: a regular expression that RE2 and hyperscan both read, for bytes: no lookaround, no
            back-reference. It may take in a delimiter on either side; the secret is in `group`.
        group: the group that holds the secret; 0 is the whole match.
        keywords: lower-case literals of which one is in every text that matches, whatever its case.
        check: looks at the secret alone: True where a checksum or structure holds, False where it does
            not (a sign that it is made up, never a reason for silence), None where it cannot tell.
        entropy: bits per character that the secret must have; with fewer there is no finding.
        explanation: what anyone who has the token can do.
        fix: what to do about it, beside taking it out of the repository.
        positives: recipes for texts in which the rule finds just one secret, such as
            `ghp_{base62:30}{crc62}`; the tests make throw-away tokens of them, so that none stands here.
        negatives: recipes for texts that look like it, in which no rule finds anything.
    """

    id: str
    title: str
    severity: Severity
    pattern: str
    keywords: tuple[bytes, ...]
    explanation: str
    fix: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    group: int = 0
    check: Callable[[bytes], bool | None] | None = None
    entropy: float | None = None


class Pair(NamedTuple):
    """A secret that nothing but a token near it gives away.

    Attributes:
        beside: id of the rule whose token stands near.
        within: bytes, before it and after it.
        pattern: for the text around it; the secret is group 1.
        entropy: bits per character that the secret must have.
        rule: id of the rule that it is reported as.
        sample: recipe for such a secret, as in `TokenRule.positives`.
    """

    beside: str
    within: int
    pattern: str
    entropy: float
    rule: str
    sample: str
