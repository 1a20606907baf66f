"""Which of many patterns is the first that is found in a text, without a search for each of them.

Repositories with many environments have a creation rule for each, and most files match none. So patterns are
joined: one search tells whether any of a range is found, and halves of the range tell which one is the first.
"""

from __future__ import annotations

from collections.abc import Sequence

from .selectors import Regex, RegexError, compile_regex

_RARE = 100
"""Searches that are made one by one: to join patterns takes as long as some hundred of them."""

_FEW = 4
"""Patterns that are not joined."""


class FirstMatch:
    """Patterns in order; None stands for one that every text matches."""

    __slots__ = ("_asked", "_joined", "_patterns")

    def __init__(self, patterns: Sequence[Regex | None]) -> None:
        """Take the patterns; they are joined when many texts were searched."""
        self._patterns = tuple(patterns)
        self._joined: dict[tuple[int, int], Regex | None] = {}
        self._asked = 0

    def __reduce__(self) -> tuple[object, ...]:
        """Joined again in another process."""
        return (FirstMatch, (self._patterns,))

    def search(self, text: str) -> int | None:
        """The place of the first pattern that is found in a text, or None."""
        waiting = [(0, len(self._patterns))]
        self._asked += 1
        if self._asked <= _RARE:
            return self._one_by_one(*waiting[0], text)
        while waiting:
            start, end = waiting.pop()
            if end - start <= _FEW:
                found = self._one_by_one(start, end, text)
                if found is not None:
                    return found
            elif self._may_hold(start, end, text):
                middle = (start + end) // 2
                waiting += [(middle, end), (start, middle)]
        return None

    def _one_by_one(self, start: int, end: int, text: str) -> int | None:
        for number in range(start, end):
            pattern = self._patterns[number]
            if pattern is None or pattern.search(text):
                return number
        return None

    def _may_hold(self, start: int, end: int, text: str) -> bool:
        """Whether one of a range is found; true as well where they can't be joined."""
        if (start, end) not in self._joined:
            self._joined[start, end] = _join(self._patterns[start:end])
        joined = self._joined[start, end]
        return joined is None or joined.search(text)


def _join(patterns: Sequence[Regex | None]) -> Regex | None:
    """One pattern that is found where any of several is, or None where there is no such pattern."""
    texts = [each.pattern for each in patterns if each is not None]
    if len(texts) < len(patterns) or any("\\Q" in text for text in texts):  # it quotes up to the end
        return None
    try:
        return compile_regex("|".join(f"(?:{text})" for text in texts))
    except RegexError:  # too large together, or a group has the same name twice
        return None
