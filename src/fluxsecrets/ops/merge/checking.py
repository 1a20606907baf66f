"""Check a merged file against its versions, value by value, before git gets it.

This is the last line of defence. Each value of the result must be the one that a three-way merge of the plain
data gives in that place. How the text was made doesn't matter here.
"""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.merging import MISSING, Missing
from fluxsecrets.merging.pairing import pair
from fluxsecrets.merging.threeway import plain
from fluxsecrets.sops.comparison import same_data
from fluxsecrets.sops.document import Data, Mapping

_Found = Data | Missing
Parts = Sequence[Mapping]
"""The YAML documents of a version."""


def check_merged(
    base: Parts | None, ours: Parts, theirs: Parts, result: Parts, *, picked: bool = False
) -> None:
    """Compare the values of a merged file with those of its versions.

    Args:
        base: the documents of the common ancestor, or None.
        ours: those of our side.
        theirs: those of their side.
        result: those of the merged file.
        picked: somebody settled conflicts, so that a value of either side may be anywhere both changed it.

    Raises:
        UnprotectedError: a value is not what the merge should give. No value is in the message.
    """
    before, own, other = ([plain(part) for part in side] for side in (base or (), ours, theirs))
    triples = [
        (_at(before, places.base), _at(own, places.ours), _at(other, places.theirs))
        for places in pair(None if base is None else before, own, other)
    ]
    for part in result:
        found = plain(part)
        if not any(_fits(*triple, found, picked=picked) for triple in triples):
            raise UnprotectedError(
                "the merged file did not pass its own check, so nothing was written",
                hint="this is a bug in fluxsecrets: please report it with the files' structure, "
                "without their values",
            )


def _at(side: Sequence[Data], place: int | None) -> _Found:
    return MISSING if place is None else side[place]


def _fits(base: _Found, ours: _Found, theirs: _Found, found: _Found, *, picked: bool) -> bool:
    if _same(ours, theirs) or _same(theirs, base):
        return _same(found, ours)
    if _same(ours, base):
        return _same(found, theirs)
    if picked and any(_same(found, side) for side in (base, ours, theirs)):
        return True
    if isinstance(found, dict) and isinstance(ours, dict) and isinstance(theirs, dict):
        before = base if isinstance(base, dict) else {}
        return all(
            _fits(
                before.get(key, MISSING),
                ours.get(key, MISSING),
                theirs.get(key, MISSING),
                found.get(key, MISSING),
                picked=picked,
            )
            for key in dict.fromkeys((*before, *ours, *theirs, *found))
        )
    if isinstance(found, list) and isinstance(ours, list) and isinstance(theirs, list):
        return all(any(same_data(item, each) for each in (*ours, *theirs)) for item in found)
    return False


def _same(one: _Found, two: _Found) -> bool:
    if isinstance(one, Missing) or isinstance(two, Missing):
        return one is two
    return same_data(one, two)
