"""comment-secret: passwords and tokens in comments, most often in lines that somebody commented out.

A comment holds prose as well, so a value has to look like one, and to end its line or to be quoted.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.scan.assignments import Assignment, Surroundings, holds_random, is_secret
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.match import Match, Rank
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.values import is_literal, looks_random

from . import secret
from .page import Page
from .reader import Map, child, walk

RULE = RuleInfo(
    id="comment-secret",
    title="secret in a comment",
    severity=Severity.HIGH,
    explanation=(
        "A comment holds a password, token or key, as in a line that somebody commented out. sops encrypts "
        "comments among encrypted values only, and all others stay as they are."
    ),
    fix="Delete the comment, and change the value if it was ever pushed.",
    docs="scan.md#comment-secret",
)

_HINT = "delete the comment, and change the value if it was ever pushed"
_REACH = 1000
"""Bytes before a value in which the sign of its comment is looked for: minified files have long lines."""

_SIGN = rb"(?:^|[ \t])(?:#|;|//)"
_PAIR = (
    r"""(?m)^[ \t]*#[# \t]*(?P<key>["']?[\w.-]+["']?)[ \t]*:[ \t]+"""
    r"""(?P<quote>["']?)(?P<value>[^\s"'#][^\s"']{7,})(?P=quote)[ \t]*\r?$"""
)
_END = rb"""["']?[ \t]*(?:\r?\n|\r?$|[ \t]#)"""


def in_comment(data: bytes, start: int) -> bool:
    """Whether a comment's sign is before a place in its line. Quoted signs count, too."""
    first = max(data.rfind(b"\n", 0, start) + 1, start - _REACH)
    return re.search(_SIGN, data[first:start]) is not None


def is_commented_secret(data: bytes, found: Assignment) -> bool:
    """Whether an assignment in a comment holds a secret."""
    if found.quoted or re.compile(_END).match(data, found.end):
        return is_secret(found, Surroundings.COMMENT)
    return looks_random(found.value) and is_secret(found, Surroundings.COMMENT)


def commented(blob: Blob, found: Assignment) -> Match:
    """The match for an assignment in a comment."""
    sure = telling(found.name) is Telling.SURELY
    start, end = blob.offset(found.start), blob.offset(found.end)
    return _match(found.name, start, end, Confidence.MEDIUM if sure else Confidence.LOW)


def judge_comments(page: Page) -> Iterator[Match]:
    """The secrets in the comments of a YAML file."""
    data = page.blob.data
    likely = [found for found in page.assigned if in_comment(data, found.start)]
    secrets = [owner for owner in page.objects if owner.is_secret]
    if not likely and not (secrets and b"#" in data):
        return
    spans = _Spans(page)
    for found in likely:
        if is_commented_secret(data, found) and page.blob.offset(found.start) not in spans:
            yield commented(page.blob, found)
    for owner in secrets:
        for field in ("data", "stringData"):
            node = child(owner.node, field)
            if type(node) is Map:
                yield from _commented_out(page, spans, node, field)


def _commented_out(page: Page, spans: _Spans, node: Map, field: str) -> Iterator[Match]:
    """Values of a Secret that were commented out; outside of telling names they have to look random."""
    text = page.blob.text
    starts = [value.scalar.start for value in walk(node)]
    if not starts:
        return
    end = text.find("\n", max(starts))
    # The comments above the first value, and below the last one, belong to the map by their indentation.
    first = text.rfind(f"{field}:", 0, min(starts))
    for match in re.compile(_PAIR).finditer(text, max(first, 0), _end(text, end)):
        value = match["value"]
        plain = secret.decoded(value) if field == "data" else value
        if match.start("value") in spans or not is_literal(plain):
            continue
        if holds_random(plain):
            key = match["key"].strip("\"'")
            yield _match(key, *match.span("value"), Confidence.MEDIUM)


def _end(text: str, end: int) -> int:
    """The end of the comments that directly follow the line that ends at a place."""
    while 0 <= end < len(text):
        after = text.find("\n", end + 1)
        if not text[end + 1 : after if after >= 0 else len(text)].lstrip(" \t").startswith("#"):
            return end
        end = after
    return len(text)


class _Spans:
    """The places of all scalars of a page, made when first asked."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._ends: list[tuple[int, int]] | None = None

    def __contains__(self, offset: int) -> bool:
        if self._ends is None:
            spans = {
                (value.scalar.start, value.scalar.end)
                for node in self._page.parsed.documents
                for value in walk(node)
            }
            self._ends = sorted(spans)
        at = bisect_right(self._ends, (offset, len(self._page.blob.text))) - 1
        return at >= 0 and self._ends[at][0] <= offset < self._ends[at][1]


def _match(name: str, start: int, end: int, confidence: Confidence) -> Match:
    return Match(
        RULE,
        Rank.TEXT,
        start,
        end,
        f"{name} is in plain text in a comment",
        _HINT,
        name=name,
        parts=("comment", name),
        confidence=confidence,
    )
