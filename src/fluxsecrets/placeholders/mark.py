"""The mark by which people and the scanner know a placeholder: `masked-lusab-babad-gutih-tugad`.

The words are proquints (arXiv:0901.4016): five letters hold 16 bits and can be read aloud. The text is
harmless wherever a value may end up: it is a DNS label, a word for a shell, and a plain scalar in YAML.
"""

from __future__ import annotations

import re
from functools import cache

PREFIX = "masked-"

DOMAIN = "example.com"
"""The domain of hosts and mailboxes that are masked as a whole; it is for examples (RFC 2606)."""

WORDS = (4, 9, 15)
"""The numbers of words in a mark. Four hold 64 bits, so that different values have different marks."""

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
_SYLLABLES = f"[{_CONSONANTS}][{_VOWELS}][{_CONSONANTS}][{_VOWELS}][{_CONSONANTS}]"
_MARK = f"{PREFIX}{_SYLLABLES}(?:-{_SYLLABLES}){{3,14}}"


def mark_of(digest: bytes, words: int) -> str:
    """Return a mark of so many words, each of which takes two bytes of the digest."""
    return PREFIX + "-".join(
        _word(int.from_bytes(digest[at : at + 2], "big")) for at in range(0, 2 * words, 2)
    )


def words_for(length: int) -> int:
    """Return how many words the mark of a text of so many characters has: one of three classes."""
    return next((words for words in WORDS if length <= _length(words)), WORDS[-1])


def is_mark(text: str) -> bool:
    """Whether a text is a mark as a whole."""
    return text.startswith(PREFIX) and _form().fullmatch(text) is not None


def is_masked(text: str) -> bool:
    """Whether a text consists of marks, references, ports, and what placeholders put beside them."""
    return PREFIX in text and _masked().fullmatch(text) is not None


def _length(words: int) -> int:
    return len(PREFIX) + 6 * words - 1


def _word(number: int) -> str:
    return "".join(
        (
            _CONSONANTS[number >> 12],
            _VOWELS[number >> 10 & 3],
            _CONSONANTS[number >> 6 & 15],
            _VOWELS[number >> 4 & 3],
            _CONSONANTS[number & 15],
        )
    )


@cache
def _form() -> re.Pattern[str]:
    return re.compile(_MARK)


@cache
def _masked() -> re.Pattern[str]:
    return re.compile(
        rf"(?:(?:{_MARK})(?:[@.]{re.escape(DOMAIN)})?(?::[0-9]{{1,5}})?|\$\{{[A-Za-z0-9_]+\}}|[\s:,;/@#?&=-])+"
    )
