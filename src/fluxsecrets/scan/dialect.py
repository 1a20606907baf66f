"""Patterns of RE2, as hyperscan takes them."""

from __future__ import annotations

import re

_SPACE = r"\t\n\f\r "
"""What `\\s` is to RE2; to hyperscan it has a vertical tab, too."""


def for_hyperscan(pattern: str) -> str | None:
    r"""Return a pattern as hyperscan takes it, or None where the two engines could differ.

    They differ in `\s`, which has a vertical tab in hyperscan alone, and in everything beyond ASCII.
    """
    if not pattern.isascii() or re.search(r"\\(?:[pPQ0-7]|x\{)", pattern):
        return None
    parts: list[str] = []
    inside = False
    position = 0
    while position < len(pattern):
        sign = pattern[position]
        pair = pattern[position : position + 2]
        if sign == "\\":
            position += 2
            if pair == r"\S" and inside:
                return None
            spaced = {r"\s": _SPACE if inside else f"[{_SPACE}]", r"\S": f"[^{_SPACE}]"}
            parts.append(spaced.get(pair, pair))
            continue
        if inside and sign == "[" and pattern.startswith("[:", position):
            end = pattern.find(":]", position)
            end = end + 2 if end >= 0 else position + 1
            parts.append(pattern[position:end])
            position = end
            continue
        if not inside and sign == "[":
            inside = True
            start = re.compile(r"\[\^?\]?").match(pattern, position)
            parts.append(start[0] if start is not None else sign)
            position += len(parts[-1])
            continue
        inside = inside and sign != "]"
        parts.append(sign)
        position += 1
    return "".join(parts)
