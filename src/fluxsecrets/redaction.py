"""Redaction of private keys in place of a path, a name or a recipient.

Every error passes through here when it is created, and every line for people when it is shown.
"""

from __future__ import annotations

import re
from functools import cache

SHOWN = "(a private key)"

_SIGNS = ("age-secret-key-", "age-plugin-", "private key")
_PRIVATE_KEY = (
    r"AGE-SECRET-KEY-[0-9A-Z+._-]{5,}"
    r"|AGE-PLUGIN-[0-9A-Z+._-]+?-1[02-9AC-HJ-NP-Z]{6,}"
    # PEM, OpenSSH and PGP. A block without an end hides the rest. Paths and JSON may escape line breaks.
    r"|-----BEGIN[ A-Z0-9]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END[ A-Z0-9]*-----|\Z)"
)


def holds_private_key(text: str) -> bool:
    """Whether a text contains a private key of age, a plug-in, PEM, OpenSSH or PGP."""
    return _may_hold_one(text) and _private_key().search(text) is not None


def without_private_keys(text: str) -> str:
    """Return a text with `(a private key)` in place of each private key."""
    return _private_key().sub(SHOWN, text) if _may_hold_one(text) else text


def _may_hold_one(text: str) -> bool:
    lower = text.lower()
    return any(sign in lower for sign in _SIGNS)


@cache
def _private_key() -> re.Pattern[str]:
    """Compile on first use, since every command imports this module."""
    return re.compile(_PRIVATE_KEY, re.IGNORECASE | re.DOTALL)
