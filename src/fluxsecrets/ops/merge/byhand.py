"""What somebody did by hand to a file in conflict: conflicts that are resolved, and other changes.

A conflict whose markers are gone, and whose value is one side's, counts as picked. Everything else that none
of the versions has is named, so that it isn't lost silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.merging import MISSING, Conflict, Merged, Missing, Picks, Place, Side
from fluxsecrets.merging.markers import read_markers
from fluxsecrets.merging.pairing import pair
from fluxsecrets.merging.threeway import same
from fluxsecrets.ops.files.content import parse
from fluxsecrets.sops.document import Comment, Data, Document, Leaf, Path, find, show_path, to_data
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.values import canonical_bytes

from .model import Versions
from .versions import Documents

_Sides = tuple[Document, Document]

_MARKER = re.compile(rb"([<|=>])\1{2,}(?: |$)")


@dataclass(frozen=True, slots=True)
class ByHand:
    """What was done by hand.

    Attributes:
        picks: conflicts that are resolved.
        changes: what else was changed, for people: a path, or what can't be read.
    """

    picks: Picks = field(default_factory=dict)
    changes: tuple[str, ...] = ()


class Texts:
    """The texts of all versions: which exist, and which stand for the same value."""

    def __init__(self, raw: Document, common: Document) -> None:
        """Take a version as it is in git, and the same with the common ciphertexts."""
        self._common: dict[tuple[tuple[str, ...], str], str] = {}
        self._known: set[tuple[tuple[str, ...], str, bytes]] = set()
        self.add(raw, common)

    def add(self, raw: Document, common: Document) -> None:
        """Take another version."""
        for one, other in zip(raw.leaves, common.leaves, strict=True):
            self._known.update((_key(one), _key(other)))
            if isinstance(one.value, str) and isinstance(other.value, str):
                self._common[_names(one.path), one.value] = other.value
        self._known.update(_key(item) for item in raw.items if isinstance(item, Comment))

    def knows(self, item: Leaf | Comment) -> bool:
        """Whether a version has a value, or a comment, below these map keys."""
        return _key(item) in self._known

    def common(self, data: Data | Missing, path: Path) -> Data | Missing:
        """Data with the common ciphertexts in it."""
        if isinstance(data, dict):
            return {key: _present(self.common(value, (*path, key))) for key, value in data.items()}
        if isinstance(data, list):
            return [_present(self.common(value, path)) for value in data]
        if isinstance(data, str):
            return self._common.get((_names(path), data), data)
        return data


def by_hand(
    format_: Format,
    versions: Versions,
    documents: Documents,
    merged: Merged,
    work: bytes,
    limits: Limits,
) -> ByHand:
    """Compare the file in the work tree with the versions and their merge.

    Args:
        format_: of the file.
        versions: the three versions.
        documents: the same, with equal ciphertexts for equal values.
        merged: their merge.
        work: the file in the work tree.
        limits: for reading it.
    """
    if work in (versions.base, versions.ours, versions.theirs):
        return ByHand()
    sides = _read(format_, work, limits)
    if sides is None:
        return ByHand(changes=tuple(_new_lines(work, versions)))
    texts = Texts(parse(format_, versions.ours, limits), documents.ours)
    texts.add(parse(format_, versions.theirs, limits), documents.theirs)
    if versions.base is not None and documents.base is not None:
        texts.add(parse(format_, versions.base, limits), documents.base)
    result = parse(format_, merged.data, limits)
    here = [_View.of(side, result, texts) for side in sides]
    picks: dict[Place, Side] = {}
    mixed: list[str] = []
    for conflict in merged.conflicts:
        if not conflict.path or conflict.merged_part is None:
            continue  # a document as a whole: there is no telling what was meant
        one, other = (view.at(conflict.merged_part, conflict.path) for view in here)
        if not same(one, other):
            continue  # its markers are there
        side = _side_with(conflict, one)
        if side is None:
            mixed.append(show_path(conflict.path))
        else:
            picks[conflict.place] = side
    whose = [_View.of(document, result, texts) for document in (documents.ours, documents.theirs)]
    others = () if merged.whole else _changed(result, merged, here, whose)
    unknown = (_shown(item) for side in sides for item in side.items if not texts.knows(item))
    return ByHand(picks, tuple(dict.fromkeys((*mixed, *unknown, *others))))


class _View(NamedTuple):
    """A version of the file, in which documents have the numbers of the merge's."""

    document: Document
    places: Mapping[int, int]
    texts: Texts

    @classmethod
    def of(cls, document: Document, merged: Document, texts: Texts) -> _View:
        """Pair the documents of a version with those of the merge."""
        sides = (
            [_present(texts.common(to_data(part), ())) for part in each.parts] for each in (merged, document)
        )
        pairs = pair(None, *sides)
        places = {own: other for _, own, other in pairs if own is not None and other is not None}
        return cls(document, places, texts)

    def at(self, part: int, path: Path) -> Data | Missing:
        """What is at a place, with the common ciphertexts."""
        number = self.places.get(part)
        node = None if number is None else find(self.document.parts[number], path)
        return MISSING if node is None else self.texts.common(to_data(node), path)


def _read(format_: Format, work: bytes, limits: Limits) -> _Sides | None:
    """The file as either side of its markers has it; None if one of them can't be read."""
    try:
        hunks = read_markers(work)
        ours, theirs = (work, work) if hunks is None else (hunks.ours, hunks.theirs)
        return parse(format_, ours, limits), parse(format_, theirs, limits)
    except FluxsecretsError:
        return None


def _new_lines(work: bytes, versions: Versions) -> Iterator[str]:
    """Lines that no version has, in a file that can't be read.

    git's markers may leave a file that is not valid on either side, such as JSON without a comma.
    """
    sides = (versions.base or b"", versions.ours, versions.theirs)
    known = {line.strip() for side in sides for line in side.splitlines()}
    for number, line in enumerate(work.splitlines(), 1):
        if line.strip() not in known and not _MARKER.match(line):
            yield f"line {number}"


def _side_with(conflict: Conflict, data: Data | Missing) -> Side | None:
    sides = ((Side.OURS, conflict.ours), (Side.THEIRS, conflict.theirs), (Side.BASE, conflict.base))
    return next((side for side, value in sides if same(value, data)), None)


def _changed(
    result: Document, merged: Merged, here: Sequence[_View], whose: Sequence[_View]
) -> Iterator[str]:
    """What the merge has outside of conflicts, and the file has in another way on both sides."""
    disputed = [(conflict.merged_part, conflict.path) for conflict in merged.conflicts]
    for number, part in enumerate(result.parts):
        if not all(number in view.places for view in here):
            continue  # a document that a side doesn't have: its markers are there
        leaves = Document("", "", (part,), None).leaves
        for path in dict.fromkeys(_outside_of_lists(leaf.path) for leaf in leaves):
            if any(number == other and path[: len(above)] == above for other, above in disputed):
                continue
            node = find(part, path)
            wanted = MISSING if node is None else here[0].texts.common(to_data(node), path)
            one, other = (view.at(number, path) for view in here)
            if same(one, other) and not same(one, wanted):
                yield f"{show_path(path)}{_whose(one, number, path, whose)}"


def _outside_of_lists(path: Path) -> Path:
    """The place of the list that a value is in, or of the value: items have no place of their own."""
    return tuple(takewhile(lambda step: isinstance(step, str), path))


def _whose(data: Data | Missing, part: int, path: Path, sides: Sequence[_View]) -> str:
    """Say which side has a value that only the other one changed: git's hunks may hold several values."""
    for word, view in zip(("our", "their"), sides, strict=True):
        if same(data, view.at(part, path)):
            return f" ({word} value, and only the other side changed it)"
    return ""


def _present(data: Data | Missing) -> Data:
    assert not isinstance(data, Missing)  # noqa: S101 - what is in a map or list is present
    return data


def _key(item: Leaf | Comment) -> tuple[tuple[str, ...], str, bytes]:
    if isinstance(item, Comment):
        return (), "comment", item.text.strip().encode()
    return _names(item.path), type(item.value).__name__, canonical_bytes(item.value)


def _names(path: Path) -> tuple[str, ...]:
    """The map keys of a path: what a ciphertext is bound to."""
    return tuple(step for step in path if isinstance(step, str))


def _shown(item: Leaf | Comment) -> str:
    return f"the comment on line {item.line}" if isinstance(item, Comment) else show_path(item.path)
