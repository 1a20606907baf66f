"""Values that stand in a comment too: `# was hunter2` beside the value that is encrypted.

Comments outside of the encrypted part stay as they are, and every reader of the file sees them. A short value
or a common word stands in comments by chance, so only those count that are told from ordinary text.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .document import Comment, Path, show_path
from .values import Value, canonical_bytes

SHORTEST = 6
"""Characters of a value that counts; `admin`, `true` and ports are shorter."""

TELLING_KEY = re.compile(r"pass|pwd|token|secret|key|cred|auth", re.IGNORECASE)
"""Names of keys whose values are secrets, whatever they look like."""

_WORD = re.compile(r"[A-Za-z]+|[0-9]+")
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])\S{12,}", re.DOTALL)
_PLACE = re.compile(r"[\w.-]*\.[\w.-]+(?::\d+)?/?|/\S*|[a-z][a-z0-9+.-]*://[^@]*", re.IGNORECASE)
_LONGEST_SEARCH = 50_000_000  # characters compared, a fraction of a second


class Trace(NamedTuple):
    """A comment that holds a value.

    Attributes:
        comment: it; never shown.
        path: where the value stands, for people.
    """

    comment: Comment
    path: str


def values_in_comments(values: Iterable[tuple[Path, Value]], comments: Sequence[Comment]) -> Iterator[Trace]:
    """The comments that hold one of these values, as text or in base64, each once.

    Args:
        values: what is, or will be, encrypted, with its path.
        comments: those that everybody can read.
    """
    if not comments:
        return
    text = "\n".join(comment.text for comment in comments)
    found: dict[int, str] = {}
    budget = _LONGEST_SEARCH
    for path, value in values:
        for form in _forms(path, value):
            budget -= len(text)
            if budget < 0:
                break
            if form not in text:
                continue
            # A word alone counts only where it is given as a value: `password: postgres`.
            before = r"[:=]\s*[\"']?" if _WORD.fullmatch(form) else r"(?<![A-Za-z0-9])"
            pattern = re.compile(f"{before}{re.escape(form)}(?![A-Za-z0-9])")
            for number, comment in enumerate(comments):
                if number not in found and form in comment.text and pattern.search(comment.text):
                    found[number] = show_path(path)
    for number, shown in sorted(found.items()):
        yield Trace(comments[number], shown)


def _forms(path: Path, value: Value) -> Iterator[str]:
    """How a value may be written in a comment; nothing for one that says nothing."""
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    data = canonical_bytes(value)
    inner = _decoded(data) if len(path) > 1 and path[-2] == "data" else None
    if inner is not None:
        data = inner
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        return
    if not is_telling(key, text):
        return
    yield text
    yield b64encode(data).decode("ascii")


def is_telling(key: str, text: str) -> bool:
    """Whether a value is told from ordinary text: by its key's name, or by its characters."""
    if len(text) < SHORTEST:
        return False
    if TELLING_KEY.search(key):
        return True
    return _MIXED.fullmatch(text) is not None and _PLACE.fullmatch(text) is None


def _decoded(data: bytes) -> bytes | None:
    try:
        return b64decode(data, validate=True)
    except Base64Error:
        return None
