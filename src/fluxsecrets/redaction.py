"""Private keys that stand where a path, a name or a recipient belongs are never repeated.

Every error passes here when it is made, and every line for people when it is shown.
"""

from __future__ import annotations

import re

SHOWN = "(a private key)"

_MAYBE = re.compile(r"age-(?:secret-key|plugin)-|private key", re.IGNORECASE)
_PRIVATE_KEY = re.compile(
    r"AGE-SECRET-KEY-[0-9A-Z+._-]{5,}"
    r"|AGE-PLUGIN-[0-9A-Z+._-]+?-1[02-9AC-HJ-NP-Z]{6,}"
    # PEM, OpenSSH and PGP; what is broken off hides the rest. In paths and JSON line breaks may be escaped.
    r"|-----BEGIN[ A-Z0-9]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END[ A-Z0-9]*-----|\Z)",
    re.IGNORECASE | re.DOTALL,
)


def holds_private_key(text: str) -> bool:
    """Whether a private key of age, a plug-in, PEM, OpenSSH or PGP stands in a text."""
    return _MAYBE.search(text) is not None and _PRIVATE_KEY.search(text) is not None


def without_private_keys(text: str) -> str:
    """A text with `(a private key)` in place of each private key."""
    return _PRIVATE_KEY.sub(SHOWN, text) if _MAYBE.search(text) is not None else text
