"""References that Flux replaces: `${NAME}` stays, since Flux would refuse or change what uses it otherwise.

Names are not secret, but a default is: `${NAME:=default}` keeps its name only.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .words import is_name

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>(?::?[-=?+]|:)[^${}]*)?\}", re.ASCII)
_MOST_SIGNS = 3
_SEPARATORS = frozenset(":/@.,;-_=&?#|+$ ")
"""With `$`, since Flux replaces nothing in `$${NAME}`."""

_SIGNS = re.compile(r"(:?[-=?+]|:)(.*)", re.DOTALL)


def is_variable(text: str) -> bool:
    """Whether a text is one reference and nothing else."""
    match = _VARIABLE.fullmatch(text)
    return match is not None and is_name(match["name"]) and match["rest"] is None


def holds_variable(text: str) -> bool:
    """Whether there is a reference in a text."""
    return "${" in text and any(is_name(match["name"]) for match in _VARIABLE.finditer(text))


def around(text: str, mask: Callable[[str], str]) -> str:
    """Return a text with its references, and everything else masked."""
    if "${" not in text:
        return mask(text)
    found, at = [], 0
    for match in _VARIABLE.finditer(text):
        if is_name(match["name"]):
            found += [_masked(text[at : match.start()], mask), _reference(match, mask)]
            at = match.end()
    found.append(_masked(text[at:], mask))
    return "".join(found)


def _masked(text: str, mask: Callable[[str], str]) -> str:
    """Mask a text between references; signs that separate them, such as `:`, say nothing."""
    return text if len(text) <= _MOST_SIGNS and set(text) <= _SEPARATORS else mask(text)


def _reference(match: re.Match[str], mask: Callable[[str], str]) -> str:
    rest = _SIGNS.fullmatch(match["rest"] or "")
    if rest is None:
        return f"${{{match['name']}}}"
    sign = ":=" if rest[1] in (":", ":+", "+", ":?", "?") else rest[1]
    return f"${{{match['name']}{sign}{_masked(rest[2], mask)}}}"
