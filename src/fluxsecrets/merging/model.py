"""What a merge works with and returns: sides, labels of conflict markers, conflicts, the merged text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from fluxsecrets.sops.document import Data, Path


class Side(Enum):
    """One of the three versions of a file."""

    BASE = "base"
    OURS = "ours"
    THEIRS = "theirs"


class Missing(Enum):
    """The type of `MISSING`, so that it differs from null, which is a value."""

    MISSING = "missing"

    def __repr__(self) -> str:
        """As it is written in code."""
        return "MISSING"


MISSING = Missing.MISSING
"""What a side has where it has nothing."""


Place = tuple[int, Path]
"""Where a value is: the YAML document, from 0, and the path in it; () is the document as a whole."""

Picks = Mapping[Place, Side]
"""The side to take for conflicts that are settled, by their place."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What is written in conflict markers.

    Attributes:
        ours: behind `<<<<<<<`: git's `%X`.
        base: behind `|||||||`: git's `%S`.
        theirs: behind `>>>>>>>`: git's `%Y`.
        size: how many characters a marker has: git's `%L`.
        with_base: write the base's lines as well, as `merge.conflictStyle` diff3 and zdiff3 ask for.
    """

    ours: str
    base: str
    theirs: str
    size: int = 7
    with_base: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """One value on which the sides disagree.

    Attributes:
        part: which YAML document, from 0, as ours counts them. Documents that ours does not have are
            numbered behind those.
        path: where in the document; () is the document as a whole.
        base, ours, theirs: what each side has there: a ciphertext, a map, a list, or MISSING.
        merged_part: the document's number in the merged text; None if it is not in it.
        base_part, theirs_part: its number on the other sides; None where they don't have it.
    """

    part: int
    path: Path
    base: Data | Missing
    ours: Data | Missing
    theirs: Data | Missing
    merged_part: int | None = 0
    base_part: int | None = 0
    theirs_part: int | None = 0

    @property
    def place(self) -> Place:
        """What picks name it by."""
        return self.part, self.path


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge.

    Attributes:
        data: the merged text. Where there is a conflict, it has ours' value. Its sops block is that of ours,
            unchanged, except where the text is theirs' to the byte because ours changed nothing.
        conflicts: the values on which both sides disagree, in document order.
        notes: what was not carried over, such as a comment of theirs. No values are in them.
        whole: the file as a whole is the conflict, since no text could be made: `data` is ours.
    """

    data: bytes
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()
    whole: bool = False
