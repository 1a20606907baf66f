"""Texts that Flux makes of a Secret's value, such as a name with `${PASSWORD:0:4}` in it.

They need not have the whole value in them, so they are hidden by where they come from.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from .unknown import is_unknown

_ANYWHERE: Final = 3
"""Characters of a text that is hidden outside of quotes and brackets, too; shorter ones are in many words."""

_QUOTED: Final = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|(?<!\w)'([^']*)'|\[([^\]]*)\]")


def without_derived(reason: str, derived: Collection[str], mask: str) -> str:
    """Return a reason without such texts.

    Args:
        reason: why something fails, which quotes what it stumbled over, or a part of it.
        derived: the texts.
        mask: what stands in their place.
    """

    def hidden(match: re.Match[str]) -> str:
        inner = match[match.lastindex or 0]
        if not any(inner == each or (len(inner) >= _ANYWHERE and inner in each) for each in derived):
            return match[0]
        return f"{match[0][0]}{mask}{match[0][-1]}"

    shown = _QUOTED.sub(hidden, reason) if derived else reason
    for each in sorted(derived, key=len, reverse=True):
        if len(each) >= _ANYWHERE and each in shown:
            shown = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", lambda _: mask, shown)
    return shown


def differing(built: object, applied: object) -> Iterator[str]:
    """The texts and keys of applied data that are not at the same place in what it was built of."""
    if isinstance(applied, dict):
        before = built if isinstance(built, dict) else {}
        for key, value in applied.items():
            if key not in before and isinstance(key, str) and not is_unknown(key):
                yield key
            yield from differing(before.get(key), value)
    elif isinstance(applied, list):
        items = built if isinstance(built, list) else []
        for at, value in enumerate(applied):
            yield from differing(items[at] if at < len(items) else None, value)
    elif applied not in (None, "", built) and not isinstance(applied, bool) and not is_unknown(applied):
        yield str(applied)
