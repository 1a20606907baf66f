"""Which YAML documents of two versions belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .sides import Part

Pair = tuple[Part | None, Part | None]


def pairs_of(before: Sequence[Part], after: Sequence[Part]) -> Iterator[Pair]:
    """Pair the parts of two versions: by the object, else by position.

    Yields:
        In the order of the later version; the removed ones behind.
    """
    first, second = _by_identity(before), _by_identity(after)
    partner: dict[int, Part] = {
        part.number: first[identity] for identity, part in second.items() if identity in first
    }
    taken = {part.number for part in partner.values()}
    left = {part.number: part for part in before if part.number not in taken}
    for part in after:
        other = left.get(part.number)
        if part.number not in partner and other is not None and _alike(other, part):
            partner[part.number] = left.pop(part.number)
    for part in after:
        yield partner.get(part.number), part
    for part in left.values():
        yield part, None


def _by_identity(parts: Sequence[Part]) -> dict[tuple[str, str, str, str], Part]:
    """The parts by object, without those that occur twice."""
    counts = Counter(part.identity for part in parts)
    return {part.identity: part for part in parts if part.identity is not None and counts[part.identity] == 1}


def _alike(one: Part, other: Part) -> bool:
    """Whether both are objects with the same kind or name, or neither is an object."""
    if one.identity is None or other.identity is None:
        return one.identity is other.identity
    return one.identity[1] == other.identity[1] or one.identity[2:] == other.identity[2:]
