"""What the database looks for in place of each token rule: a pattern per rule, or one for several.

The rules for values that only their names tell have one shape, and differ in names and lengths. One by one,
they would be most of the database, and of what compiling it takes. So a sign is for several of them: any of
their names, with a long value behind it. It says too much, never too little; the rules look for themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from .matcher import Pattern
from .rules import TOKEN_RULES, TokenRule
from .rules.parts import name_of, names_sign

_TOGETHER = 32
"""Rules that share a sign: with more of them, a hit leaves more to look for."""


class Sign(NamedTuple):
    """A pattern, and the positions in `TOKEN_RULES` of the rules that may match where it does."""

    pattern: Pattern
    rules: tuple[int, ...]


def _signs() -> Iterator[Sign]:
    named: list[int] = []
    for position, rule in enumerate(TOKEN_RULES):
        if name_of(rule.pattern) is None:
            yield Sign(Pattern(rule.pattern, rule.keywords), (position,))
        else:
            named.append(position)
    for start in range(0, len(named), _TOGETHER):
        some = tuple(named[start : start + _TOGETHER])
        rules = [TOKEN_RULES[position] for position in some]
        keywords = dict.fromkeys(keyword for rule in rules for keyword in rule.keywords)
        yield Sign(Pattern(names_sign(rule.pattern for rule in rules), tuple(keywords)), some)


SIGNS: tuple[Sign, ...] = tuple(_signs())


def rules_of(numbers: Iterable[int], data: bytes) -> tuple[TokenRule, ...]:
    """Return the token rules that may find something in some bytes, in their order.

    Args:
        numbers: the positions in `SIGNS` that hit.
        data: the bytes.
    """
    positions: set[int] = set()
    lower = b""
    for number in numbers:
        rules = SIGNS[number].rules
        if len(rules) > 1:
            lower = lower or data.lower()
            rules = tuple(each for each in rules if _occurs(TOKEN_RULES[each].keywords, lower))
        positions.update(rules)
    return tuple(TOKEN_RULES[position] for position in sorted(positions))


def _occurs(keywords: Collection[bytes], lower: bytes) -> bool:
    return any(keyword in lower for keyword in keywords)
