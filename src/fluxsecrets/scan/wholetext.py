"""Whether a text as a whole has a form, and whether it looks made by a machine."""

from __future__ import annotations

import re
from functools import cache
from math import log2

from .names import WORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def any_of(*alternatives: str) -> str:
    """A pattern for a text that is one of these, with white space around it."""
    return f"(?s)\\s*(?:{'|'.join(alternatives)})\\s*"


@cache
def _compiled(pattern: str) -> Any:
    """RE2 takes a tenth of the time that Python takes to compile these, which is most of what they cost."""
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options).fullmatch


def is_whole(pattern: str, text: str) -> bool:
    """Whether a text as a whole matches."""
    try:
        return _compiled(pattern)(text) is not None
    except UnicodeEncodeError:  # bytes that are not UTF-8, as surrogates
        return _compiled(pattern)(text.encode("utf-8", "replace").decode()) is not None


def matches(pattern: str, text: str) -> Any:
    """All matches in a text, in linear time even where signs open that never close."""
    if not text.isascii():
        text = re.sub("[\ud800-\udfff]", "?", text)
    return _searcher(pattern)(text)


@cache
def _searcher(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options).finditer


def looks_random(text: str) -> bool:
    """Whether a text looks made by a machine, rather than written by a person as a name.

    Names are words joined by signs; what is random changes between letters, digits and cases inside of
    what would be words.
    """
    if len(text) < 8:
        return False
    bits = entropy(text)
    words = [word for word in re.split(r"[-_./:@+ =]+", text) if word]
    odd = sum(map(is_odd, words))
    if not odd:
        return False
    return bits >= (2.5 if len(text) < 16 else 3.0) and odd * 2 >= len(words) - 1


def has_random_part(text: str) -> bool:
    """Whether a part of a text looks made by a machine, however many words are around it.

    `production-read-only-api-Zq81mWx04Kfp` is a token. Hashes in names have no capitals, and the words of
    `OAuth2ProxyClient` are longer.
    """
    return any(map(_is_mixed, re.findall("[A-Za-z0-9]{12,}", text)))


def _is_mixed(part: str) -> bool:
    kinds = all(re.search(kind, part) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return kinds and len(part) <= 3 * len(re.findall(WORD, part)) and looks_random(part)


_VERSION = (
    r"v?\d+(?:[a-z]+\d*)?|[a-z]+\d{1,4}|[A-Z]+\d{0,4}|[A-Z]?[a-z]+\d{0,4}|[A-Z]?[a-z]+(?:[A-Z][a-z]+)+\d{0,2}"
)


def is_odd(word: str) -> bool:
    """Whether people would not make up a word: `kX9vQ2` is odd, `postgres16` and `clientSecret` are not."""
    if is_whole(_VERSION, word):
        # Long ones are not words: nobody writes twenty letters without a separator.
        return len(word) > 24 and not _has_vowels(word)
    return len(word) > 3


def _has_vowels(word: str) -> bool:
    vowels = sum(sign in "aeiouyAEIOUY" for sign in word)
    return vowels * 5 >= len(word)


def entropy(text: str | bytes) -> float:
    """Shannon entropy in bits a character."""
    if not text:
        return 0.0
    total = len(text)
    counts = (
        [text.count(sign) for sign in set(text)]
        if isinstance(text, str)
        else [text.count(bytes((sign,))) for sign in set(text)]
    )
    return -sum(count / total * log2(count / total) for count in counts)
