"""Fields of a sops block that this version does not know: merged one by one."""

from __future__ import annotations

Unknown = tuple[tuple[str, object], ...]
"""Fields as (name, plain data)."""

_ABSENT = object()


def merge_unknown(base: Unknown, ours: Unknown, theirs: Unknown) -> tuple[Unknown, list[str]]:
    """Merge unknown fields, each as a whole.

    Returns:
        The fields in ours' order, then those that theirs added; and the names of those that both sides
        changed in different ways, which keep ours' value.
    """
    before, own, others = dict(base), dict(ours), dict(theirs)
    merged: list[tuple[str, object]] = []
    clashes: list[str] = []
    for name in dict.fromkeys((*own, *others)):
        earlier, one, two = (side.get(name, _ABSENT) for side in (before, own, others))
        value = one
        if one == earlier:
            value = two
        elif two not in (earlier, one):
            clashes.append(name)
        if value is not _ABSENT:
            merged.append((name, value))
    return tuple(merged), clashes
