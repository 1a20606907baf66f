"""What a rule found in a file, before it becomes a finding: it still knows the value, and never shows it."""

from __future__ import annotations

from enum import IntEnum

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.namedtuples import NamedTuple


class Rank(IntEnum):
    """Which of two matches of the same text is reported; the other one adds what it knows."""

    ENCODED = 0
    TEXT = 1
    TOKEN = 2
    PLACE = 3


class Match(NamedTuple):
    """A secret in a file.

    Attributes:
        start, end: the value's span in the blob's text, in characters.
        name: what the value is called, such as a key path; "" where it has no name.
        shown: the start of the value that says what it is and is the same in all of its kind, such as `ghp_`.
        parts: what tells it from others of the rule in the file, for the fingerprint.
        severity: where it differs from the rule's.
        also: what else is known about the value: "GitHub token".
        allow_at: further lines where an inline allowance counts.
        value: what the value is where the text of its span spells it differently, such as in base64; "" for
            a match that is not about a value, and None to take the text.
        around: the span of all that the rule matched, where that is more than the value.
    """

    rule: RuleInfo
    rank: Rank
    start: int
    end: int
    message: str
    hint: str
    name: str = ""
    shown: str = ""
    parts: tuple[str, ...] = ()
    severity: Severity | None = None
    confidence: Confidence = Confidence.HIGH
    also: str = ""
    allow_at: tuple[int, ...] = ()
    value: str | bytes | None = None
    around: tuple[int, int] | None = None

    def __repr__(self) -> str:
        """Without the value."""
        return f"Match({self.rule.id}, {self.start}, {self.end}, {self.name!r})"
