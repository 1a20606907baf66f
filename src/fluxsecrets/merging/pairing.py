"""Which YAML documents of three versions of a file belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from fluxsecrets.sops.document import Data

_Identity = tuple[str, str, str, str]


class Pairing(NamedTuple):
    """The numbers of one document on each side; None where a side does not have it."""

    base: int | None
    ours: int | None
    theirs: int | None


def pair(base: Sequence[Data] | None, ours: Sequence[Data], theirs: Sequence[Data]) -> list[Pairing]:
    """Pair the documents of three versions.

    A document is known by apiVersion, kind, namespace and name, if all versions have these once only. The
    others are paired by their order. Files with one document each hold the same document, even if its name
    changed.

    Args:
        base: the plain data of each document, or None without a base.
        ours: those of ours.
        theirs: those of theirs.

    Returns:
        Ours' documents in order, then those that ours does not have, in theirs' order, then in base's.
    """
    sides = [list(side) for side in (base or [], ours, theirs)]
    if all(len(side) == 1 for side in sides if side or base is not None):
        return [Pairing(None if base is None else 0, 0, 0)]
    names = [[_identity(data) for data in side] for side in sides]
    unclear = {
        name for side in names for name, count in Counter(side).items() if count > 1 and name is not None
    }
    known: dict[object, list[int | None]] = {}
    for number, side in enumerate(names):
        unnamed = 0
        for place, name in enumerate(side):
            key: object = name
            if name is None or name in unclear:
                key, unnamed = unnamed, unnamed + 1
            known.setdefault(key, [None, None, None])[number] = place
    pairings = [Pairing(*places) for places in known.values()]
    return sorted(pairings, key=_order)


def _order(pairing: Pairing) -> tuple[int, int]:
    for rank, place in enumerate((pairing.ours, pairing.theirs, pairing.base)):
        if place is not None:
            return rank, place
    return 3, 0


def _identity(data: Data) -> _Identity | None:
    if not isinstance(data, dict):
        return None
    metadata = data.get("metadata")
    if not isinstance(metadata, dict):
        return None
    kind, name = data.get("kind"), metadata.get("name")
    if not isinstance(kind, str) or not isinstance(name, str):
        return None
    return str(data.get("apiVersion", "")), kind, str(metadata.get("namespace", "")), name
