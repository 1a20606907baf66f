"""All that the database looks for, and what its hits say: which triggers, and which token rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from .matcher import Hit, Pattern
from .triggers import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:  # a commit waits for the import, and most have nothing that token rules look at
    from .rules import TokenRule

_TRIGGERS = tuple(Trigger)
_NUMBERS = {trigger: number for number, trigger in enumerate(_TRIGGERS)}
_FIRST_SIGN = len(_TRIGGERS)


def patterns() -> tuple[Pattern, ...]:
    """All patterns, in the order of the matcher's numbers."""
    from .signs import SIGNS

    return (*(trigger.value for trigger in _TRIGGERS), *(sign.pattern for sign in SIGNS))


def triggers_of(numbers: Iterable[int]) -> frozenset[Trigger]:
    """The triggers among the patterns that hit."""
    return _triggers(frozenset(numbers))


@lru_cache(maxsize=4096)
def _triggers(numbers: frozenset[int]) -> frozenset[Trigger]:
    return frozenset(_TRIGGERS[number] for number in numbers if number < _FIRST_SIGN)


def token_rules(numbers: Iterable[int], data: bytes) -> tuple[TokenRule, ...]:
    """The token rules that may find something in some bytes, by the patterns that hit there."""
    signs = [number - _FIRST_SIGN for number in numbers if number >= _FIRST_SIGN]
    if not signs:
        return ()
    from .signs import rules_of

    return rules_of(signs, data)


def ends_of(found: Sequence[Hit], trigger: Trigger) -> Iterator[int]:
    """Where the matches of a trigger end."""
    wanted = _NUMBERS[trigger]
    return (end for number, end in found if number == wanted)
