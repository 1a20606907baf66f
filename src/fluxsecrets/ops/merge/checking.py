"""Check a merged file against its versions, value by value, before git gets it.

This is the last line of defence. The result must hold the documents that a three-way merge of the versions
gives: each of them once, with each value in its place, and nothing else. How the text was made doesn't matter
here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.merging import MISSING, Merged, Missing, Picks, Side
from fluxsecrets.merging.lists import comparable, merge_lists, spliced
from fluxsecrets.merging.pairing import pair
from fluxsecrets.merging.threeway import plain, same
from fluxsecrets.sops.document import Data, Document, Mapping, Path

_Found = Data | Missing
Parts = Sequence[Mapping]
"""The YAML documents of a version."""


class _Disputed(Exception):  # noqa: N818 - never leaves this module
    """Both sides changed a value, and nobody settled it."""


def check_text(
    base: Document | None, ours: Document, theirs: Document, result: Document, merged: Merged, picks: Picks
) -> None:
    """Compare a merged text with its versions, in all of which equal values have equal ciphertexts.

    Args:
        base: the common ancestor, or None.
        ours: our side.
        theirs: their side.
        result: the merged text. Where nobody settled a conflict, it has our value.
        merged: how it was merged.
        picks: conflicts that somebody settled.

    Raises:
        UnprotectedError: as for `check_merged`.
    """
    if merged.whole:
        return
    ours_stays = {(each.part, each.path): Side.OURS for each in merged.conflicts}
    before = None if base is None else base.parts
    check_merged(before, ours.parts, theirs.parts, result.parts, {**ours_stays, **picks})


def check_merged(base: Parts | None, ours: Parts, theirs: Parts, result: Parts, picks: Picks) -> None:
    """Compare the values of a merged file with those of its versions.

    Args:
        base: the documents of the common ancestor, or None.
        ours: those of our side.
        theirs: those of their side.
        result: those of the merged file.
        picks: the side to take for each conflict.

    Raises:
        UnprotectedError: a document or value is not what the merge should give. No value is in the message.
    """
    before, own, other = ([plain(part) for part in side] for side in (base or (), ours, theirs))
    pairings = pair(None if base is None else before, own, other)
    try:
        wanted = [
            _merged(_at(before, places.base), _at(own, places.ours), _at(other, places.theirs), picks, part)
            for part, places in enumerate(pairings)
        ]
    except _Disputed:
        raise _refusal() from None
    if not _same_documents([each for each in wanted if each is not MISSING], list(map(plain, result))):
        raise _refusal()


def _refusal() -> UnprotectedError:
    return UnprotectedError(
        "the merged file did not pass its own check, so nothing was written",
        hint="this is a bug in fluxsecrets: please report it with the files' structure, without their values",
    )


def _at(side: Sequence[Data], place: int | None) -> _Found:
    return MISSING if place is None else side[place]


def _merged(base: _Found, ours: _Found, theirs: _Found, picks: Picks, part: int, path: Path = ()) -> _Found:
    """Merge plain data, in the simplest way that there is.

    Raises:
        _Disputed: a conflict is not settled.
    """
    if same(ours, theirs) or same(theirs, base):
        return ours
    if same(ours, base):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict) and (base is MISSING or isinstance(base, dict)):
        sides = (base if isinstance(base, dict) else {}, ours, theirs)
        return dict(_merged_entries(sides, picks, part, path))
    if isinstance(base, list) and isinstance(ours, list) and isinstance(theirs, list):
        changes = merge_lists(base, ours, theirs)
        if changes is not None:
            return spliced(ours, theirs, changes)
    chosen = picks.get((part, path))
    if chosen is None:
        raise _Disputed
    return {Side.BASE: base, Side.OURS: ours, Side.THEIRS: theirs}[chosen]


def _merged_entries(
    sides: Sequence[dict[str, Data]], picks: Picks, part: int, path: Path
) -> Iterator[tuple[str, Data]]:
    for key in dict.fromkeys(key for side in sides for key in side):
        base, ours, theirs = (side.get(key, MISSING) for side in sides)
        value = _merged(base, ours, theirs, picks, part, (*path, key))
        if not isinstance(value, Missing):
            yield key, value


def _same_documents(wanted: Sequence[_Found], found: Sequence[Data]) -> bool:
    """Whether two files have the same documents, in any order."""
    if len(wanted) != len(found):
        return False
    if len(wanted) == 1:
        return same(wanted[0], found[0])
    documents = [each for each in wanted if not isinstance(each, Missing)]
    return Counter(map(comparable, documents)) == Counter(map(comparable, found))
