"""How much patches and replacements may copy: each can double an object, and kustomize has no limit."""

from __future__ import annotations

from typing import Any, Final

MOST_COPIED: Final = 100_000
"""Values that are copied at once."""
MOST_NESTED: Final = 100
"""Maps and lists in each other after a patch."""


def is_larger(value: Any, most: int = MOST_COPIED) -> bool:
    """Whether a value consists of more than so many values; those that are shared count each time."""
    waiting, seen = [value], 0
    while waiting:
        each = waiting.pop()
        seen += 1
        if seen > most:
            return True
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return False


def is_deeper(value: Any, most: int = MOST_NESTED) -> bool:
    """Whether more than so many maps and lists are in each other."""
    level = [value]
    for _ in range(most + 1):
        level = [each for each in level if isinstance(each, dict | list)]
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return False
    return True
