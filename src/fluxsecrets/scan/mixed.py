"""Values of a Secret that are written in part, and in part filled in by a template.

`postgres://{{ .user }}:{{ .password }}@db/app` and a configuration file around references hold no secret;
`{{ .prefix }}hunter2` under `password` does.
"""

from __future__ import annotations

import re

from .assignments import Surroundings, assignments, is_secret
from .names import Telling, telling
from .publicforms import without_public_keys
from .references import has_template, rest_of
from .values import is_literal
from .wholetext import looks_random

_PIECE = re.compile(r"[^\s\"'`,;{}()\[\]<>|]+")
_SCHEME = r"(?i)\s*(?:bearer|basic|token|digest|apikey)?\s*"
_LONGEST = 16 * 2**10
"""Characters; anything longer counts as written."""


def is_written(name: str, text: str) -> bool:
    """Whether a value under a key of a Secret is literal, or has a literal part that may be a secret."""
    if not is_literal(text):
        return False
    if len(text) > _LONGEST or not has_template(text):
        return True
    rest = rest_of(text) or ""
    if "\n" not in text.strip() and "://" not in rest and telling(name) is not Telling.NOTHING:
        return re.fullmatch(_SCHEME, rest) is None
    return has_secret(rest)


def has_secret(text: str) -> bool:
    """Whether a piece of a text looks random, or is assigned to a telling name."""
    text = without_public_keys(text)
    pieces = (piece for piece in _PIECE.findall(text) if len(piece) >= 10 and "/" not in piece)
    if any(map(looks_random, pieces)):
        return True
    data = text.encode("utf-8", "replace")
    return any(is_secret(found, Surroundings.CONFIGURATION) for found in assignments(data))
