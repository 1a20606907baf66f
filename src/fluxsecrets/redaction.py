"""Private keys that stand where a path, a name or a recipient belongs are never repeated.

Every error passes here when it is made, and every line for people when it is shown.
"""

from __future__ import annotations

import re
from functools import cache

SHOWN = "(a private key)"

_SIGNS = ("age-secret-key-", "age-plugin-", "private key")
_PRIVATE_KEY = (
    r"AGE-SECRET-KEY-[0-9A-Z+._-]{5,}"
    r"|AGE-PLUGIN-[0-9A-Z+._-]+?-1[02-9AC-HJ-NP-Z]{6,}"
    # PEM, OpenSSH and PGP; what is broken off hides the rest. In paths and JSON line breaks may be escaped.
    r"|-----BEGIN[ A-Z0-9]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END[ A-Z0-9]*-----|\Z)"
)


def holds_private_key(text: str) -> bool:
    """Whether a private key of age, a plug-in, PEM, OpenSSH or PGP stands in a text."""
    return _may_hold_one(text) and _private_key().search(text) is not None


def without_private_keys(text: str) -> str:
    """A text with `(a private key)` in place of each private key."""
    return _private_key().sub(SHOWN, text) if _may_hold_one(text) else text


def _may_hold_one(text: str) -> bool:
    lower = text.lower()
    return any(sign in lower for sign in _SIGNS)


@cache
def _private_key() -> re.Pattern[str]:
    """Compiled when a text may hold one, since every command imports this module."""
    return re.compile(_PRIVATE_KEY, re.IGNORECASE | re.DOTALL)
