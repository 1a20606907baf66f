"""Names for keys that a map has several times, as dotenv and INI allow."""

from __future__ import annotations

from collections.abc import Iterable

from fluxsecrets.sops.document import Path

_SIGN = "\0"


def distinct(keys: Iterable[str]) -> list[str]:
    """The keys, with a number behind each one that was there before; no path of a user has such a key."""
    seen: dict[str, int] = {}
    names: list[str] = []
    for key in keys:
        count = seen.get(key, 0)
        seen[key] = count + 1
        names.append(f"{key}{_SIGN}{count}" if count else key)
    return names


def is_repeated(path: Path) -> bool:
    """Whether a path leads to a key that was there before."""
    return any(isinstance(step, str) and _SIGN in step for step in path)
