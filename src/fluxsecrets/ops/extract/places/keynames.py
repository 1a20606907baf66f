"""Names for the keys of a Secret."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import count

from fluxsecrets.sops.document import Path

_OTHERS = re.compile(r"[^-._a-zA-Z0-9]+")
_LONGEST = 253


def key_name(path: Path, taken: Collection[str]) -> str:
    """Return a key for a value, such as `auth.password`, that no other value has.

    Args:
        path: of the value.
        taken: the keys that are in use.
    """
    text = _OTHERS.sub("-", ".".join(map(str, path))).strip(".-")[:_LONGEST] or "value"
    return unused(text, taken)


def unused(name: str, taken: Collection[str]) -> str:
    """Return a name, with a number before its suffix if it is taken."""
    if name not in taken:
        return name
    stem, dot, suffix = name.rpartition(".")
    numbered = (f"{stem}-{number}.{suffix}" if dot else f"{name}-{number}" for number in count(2))
    return next(each for each in numbered if each not in taken)
