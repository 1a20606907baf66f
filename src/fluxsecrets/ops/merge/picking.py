"""Turn what the user chose into picks: keys on the command line, or answers at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fluxsecrets.errors import UsageError
from fluxsecrets.merging import Picks, Place, Side
from fluxsecrets.ops.files.decrypt import parse_key
from fluxsecrets.sops.document import show_path

from .dispute import Dispute, Disputed


@dataclass(frozen=True, slots=True)
class Wanted:
    """The sides that a command line names.

    Attributes:
        ours, theirs, base: keys of conflicts, or of maps with conflicts in them; `N:KEY` is a key in the YAML
            document N, from 1.
        rest: the side for all other conflicts, or None.
    """

    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    rest: Side | None = None


def pick(dispute: Dispute, wanted: Wanted) -> dict[Place, Side]:
    """Return the picks for a file: those of the command line, then those that were made by hand.

    Raises:
        UsageError: a key is not in conflict, is in conflict in several documents, or is named twice.
    """
    try:
        return _pick(dispute, wanted)
    except UsageError as error:
        raise error.in_file(dispute.shown) from None


def _pick(dispute: Dispute, wanted: Wanted) -> dict[Place, Side]:
    if dispute.base_made and wanted.base:
        raise UsageError(
            "the sides have several common ancestors, so there is no base to take",
            hint="take --ours or --theirs, or enter a value at a terminal",
        )
    picks: dict[Place, Side] = {}
    named = ((Side.OURS, wanted.ours), (Side.THEIRS, wanted.theirs), (Side.BASE, wanted.base))
    for side, keys in named:
        for key in keys:
            for place in _places(dispute.values, key):
                if picks.get(place, side) is not side:
                    raise UsageError(f"{key!a} is picked from two sides", hint="name each key once")
                picks[place] = side
    for value in dispute.values:
        by_hand = dispute.done.picks.get(value.place)
        chosen = by_hand if by_hand is not None else wanted.rest
        if chosen is not None:
            picks.setdefault(value.place, chosen)
    return picks


def unsettled(dispute: Dispute, picks: Picks) -> tuple[Disputed, ...]:
    """Return the values for which nothing is picked."""
    return tuple(value for value in dispute.values if value.place not in picks)


def _places(values: Sequence[Disputed], key: str) -> list[Place]:
    number, name = _document(key)
    found = [value for value in values if (number is None or value.document == number) and _is(value, name)]
    if not found:
        from difflib import get_close_matches  # only when something fails

        near = get_close_matches(name, [value.key for value in values], n=1)
        raise UsageError(
            f"{key!a} is not in conflict",
            hint=f"did you mean {near[0]}? `fluxsecrets resolve FILE` lists the conflicts"
            if near
            else "`fluxsecrets resolve FILE` lists the conflicts",
        )
    documents = dict.fromkeys(value.document for value in found)
    if len(documents) > 1:
        raise UsageError(
            f"{key!a} is in conflict in several YAML documents",
            hint=f"name the document in front: {next(iter(documents))}:{key}",
        )
    return [value.place for value in found]


def _document(key: str) -> tuple[int | None, str]:
    number, colon, name = key.partition(":")
    return (int(number), name) if colon and number.isdecimal() and name else (None, key)


def _is(value: Disputed, name: str) -> bool:
    """Whether a key names a value, or a map or list above it."""
    path = value.conflict.path
    in_brackets = parse_key(name)
    if in_brackets is not None:
        return path[: len(in_brackets)] == in_brackets
    return any(show_path(path[:count]) == name for count in range(1, len(path) + 1)) or (
        not path and name == value.key
    )
