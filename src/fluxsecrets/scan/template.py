"""Templates (Helm, Jinja, ERB) read as what they would become: expressions become marks of equal length.

Offsets stay the same; what is written beside a mark is what counts of a value.
"""

from __future__ import annotations

import re

from .wholetext import matches

MARK = "\ue000"
"""Stands for every character of an expression; a private character that nobody writes."""

_IN_LINES = (
    r"\{\{[^\n]*?\}\}|\{%[^\n]*?%\}|\{#[^\n]*?#\}|<%[^\n]*?%>"
    r"|#\{[^\n]*?\}#|#%[^\n]*?%#|#\|[^\n]*?\|#"  # as makejinja has them
)
_ACROSS = r"(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<%.*?%>|#\{[^\n]*?\}#|#%.*?%#|#\|.*?\|#"
_BLANK = r"[^\n]"
_STARTS = ("{{", "{%", "<%", "{#", "#{", "#%")


def is_template(text: str) -> bool:
    """Whether a text has expressions of a template language."""
    # Most texts have neither of two signs, which are faster looked for.
    return ("{" in text or "%" in text) and any(start in text for start in _STARTS)


def without_expressions(text: str, *, across: bool = False) -> str:
    """The text with marks for expressions; a line that holds nothing else becomes empty.

    Args:
        text: the template.
        across: whether an expression may have several lines. Only where the text is not valid without: signs
            in two comments must not hide what is between them.
    """
    pattern = _ACROSS if across else _IN_LINES
    pieces, at = [], 0
    for match in matches(pattern, text):
        pieces += [text[at : match.start()], re.sub(_BLANK, MARK, match[0])]
        at = match.end()
    marked = "".join((*pieces, text[at:]))
    return re.sub(
        rf"^[ \t]*{MARK}[{MARK} \t]*$", lambda match: " " * len(match[0]), marked, flags=re.MULTILINE
    )
