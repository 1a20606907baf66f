"""Templates (Helm, Jinja, ERB) read as what they would become: expressions become marks of equal length.

Offsets stay the same, and a value with a mark in it is not a literal.
"""

from __future__ import annotations

import re

MARK = "\ue000"
"""Stands for every character of an expression; a private character that nobody writes."""

_EXPRESSION = r"(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<%.*?%>"
_BLANK = r"[^\n]"
_STARTS = ("{{", "{%", "<%", "{#")


def is_template(text: str) -> bool:
    """Whether a text has expressions of a template language."""
    return any(start in text for start in _STARTS)


def without_expressions(text: str) -> str:
    """The text with marks for expressions; a line that holds nothing else becomes empty."""
    marked = re.sub(_EXPRESSION, lambda match: re.sub(_BLANK, MARK, match[0]), text)
    return re.sub(
        rf"^[ \t]*{MARK}[{MARK} \t]*$", lambda match: " " * len(match[0]), marked, flags=re.MULTILINE
    )
