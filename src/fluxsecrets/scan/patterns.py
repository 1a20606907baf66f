"""All that the database looks for, and what its hits say: which triggers, and which token rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .matcher import Hit, Pattern
from .rules import TokenRule
from .signs import SIGNS, rules_of
from .triggers import Trigger

_TRIGGERS = tuple(Trigger)
_FIRST_SIGN = len(_TRIGGERS)


def patterns() -> tuple[Pattern, ...]:
    """All patterns, in the order of the matcher's numbers."""
    return (*(trigger.value for trigger in _TRIGGERS), *(sign.pattern for sign in SIGNS))


def number_of(trigger: Trigger) -> int:
    """The number of a trigger's pattern."""
    return _TRIGGERS.index(trigger)


def triggers_of(numbers: Iterable[int]) -> frozenset[Trigger]:
    """The triggers among the patterns that hit."""
    return frozenset(_TRIGGERS[number] for number in numbers if number < _FIRST_SIGN)


def token_rules(numbers: Iterable[int], data: bytes) -> tuple[TokenRule, ...]:
    """The token rules that may find something in some bytes, by the patterns that hit there."""
    return rules_of((number - _FIRST_SIGN for number in numbers if number >= _FIRST_SIGN), data)


def ends_of(found: Sequence[Hit], trigger: Trigger) -> Iterator[int]:
    """Where the matches of a trigger end."""
    wanted = number_of(trigger)
    return (end for number, end in found if number == wanted)
