"""Matches of a file as findings: those of the same text become one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from fluxsecrets.findings import Confidence, Finding, Location
from fluxsecrets.findings.fingerprint import fingerprint
from fluxsecrets.findings.model import ValueId

from .blob import Blob
from .match import Match, Rank
from .valuekey import ValueKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .custom import CustomRules

_MASK = "********"


def merged(matches: Sequence[Match]) -> list[Match]:
    """The matches in order; those of the same text become one."""
    ordered = sorted(matches, key=lambda match: (-match.rank, match.start, match.start - match.end))
    kept: list[Match] = []
    spans: list[tuple[int, int, int]] = []  # of what is kept, in order; none overlaps another one
    for match in ordered:
        at = bisect_left(spans, (match.end,))
        over = at - 1
        while over >= 0 and spans[over][1] > match.start:
            over -= 1
        if over + 1 == at:
            spans.insert(at, (match.start, match.end, len(kept)))
            kept.append(match)
        else:
            index = min(number for _, _, number in spans[over + 1 : at])
            kept[index] = _joined(kept[index], match)
    return sorted(kept, key=lambda match: (match.start, match.end))


def _joined(match: Match, other: Match) -> Match:
    """A match, with what another match of the same text adds."""
    also = match.also
    if other.also and other.also not in (match.also, match.rule.title):
        also = (
            f"{also}, {other.also}"
            if also and match.rank is Rank.PLACE and len(also) < 80
            else also or other.also
        )
    severity = max(match.severity or match.rule.severity, other.severity or other.rule.severity)
    if other.confidence is Confidence.LOW:
        severity = match.severity or match.rule.severity
    return match._replace(also=also, severity=severity, confidence=max(match.confidence, other.confidence))


def finding_of(blob: Blob, match: Match, key: ValueKey, custom: CustomRules | None = None) -> Finding:
    """A match as the finding that is reported, which no longer has the value.

    Args:
        blob: the file.
        match: what a rule found in it.
        key: that of the run, by which values are told apart.
        custom: rules of the team, or None.
    """
    line, column = blob.place(match.start)
    message = match.message
    if match.also and match.rank is Rank.PLACE:
        message += f" ({match.also})"
    name = f"{match.name}: " if match.name and not match.name.endswith(":") else match.name
    return Finding(
        rule=match.rule.id,
        severity=match.severity or match.rule.severity,
        confidence=match.confidence,
        location=Location(blob.path, line, column),
        message=message,
        hint=match.hint,
        fingerprint=fingerprint(match.rule.id, blob.path, *match.parts),
        excerpt=f"{name}{match.shown}{_MASK}",
        allow_at=match.allow_at,
        value_id=_value_id(blob.text, match, key),
        marks=() if custom is None else custom.marks(blob, match),
    )


def _value_id(text: str, match: Match, key: ValueKey) -> ValueId | None:
    """What the value of a match is known by."""
    if match.value is not None:
        return key.of(match.value, match.name)
    start, end = match.start, match.end
    return key.of(
        text[start:end], match.name, quoted=start > 0 and text[start - 1] == text[end : end + 1] == '"'
    )
