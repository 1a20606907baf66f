"""Which patterns of gitattributes(5) cover files, and no other file.

Few lines that hold for the files that will be added, too: endings and names first, then folders, then single
paths. A pattern counts only if every file that it matches is one of those that are to be covered. Everything
here is made of names; git does the matching.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from heapq import heapify, heappop, heappush

from fluxsecrets.marks import MANIFEST_SUFFIXES, RULES_NAME, name_in

_TELLING = ("secret", "sops", "sealed", "enc", "credential", "password", "token")
"""What a name says that is given to secrets: one such file is enough for a pattern."""

_FEW = 2
"""Files from which a folder, or a name without such a word, is worth a pattern."""

_NEVER = 5
"""Where patterns are that are not worth a line."""

_PLAIN_ENDINGS = (*MANIFEST_SUFFIXES, ".env", ".ini", ".txt", ".toml", ".conf", ".properties", ".bin")
"""Endings that say nothing but the format."""


class Shape(IntEnum):
    """What a pattern is made of, in the order of the lines."""

    ENDING = 0
    NAME = 1
    FOLDER = 2
    PATH = 3


@dataclass(frozen=True, order=True, slots=True)
class Pattern:
    """A pattern of gitattributes.

    Attributes:
        text: the end of a name, a name, or the path of a folder or file, with `/` and without wildcards.
    """

    shape: Shape
    text: str

    @property
    def line(self) -> str:
        """The pattern as it is in a `.gitattributes`, in quotes if need be."""
        text = re.sub(r"[\\*?\[\]]", r"\\\g<0>", self.text)
        if self.shape is Shape.ENDING:
            # `.sops.yaml` has the ending and is not a secret.
            text = f"?*{text}" if self.text == RULES_NAME else f"*{text}"
        elif self.shape is Shape.FOLDER:
            text = f"/{text}/**"
        elif self.shape is Shape.PATH:
            text = f"/{text}"
        elif text.startswith(("!", "#")):
            text = f"\\{text}"
        return _quoted(text) if re.search(r'[\s"\x00-\x1f\x7f]', text) or text.startswith("[attr]") else text


def choose(
    wanted: Collection[str], others: Iterable[str], kept: Sequence[str] = (), *, unseen: bool = False
) -> tuple[str, ...]:
    """Return patterns that match all of some files, and none of the others.

    Args:
        wanted: paths of files, relative to the root with `/`.
        others: those of all other files.
        kept: patterns as they are in a `.gitattributes`; those that are still right stay.
        unseen: there are more files than these, so that a pattern may be right that matches none of them.

    Returns:
        The patterns as they are written, in the order of the lines.
    """
    rest = set(wanted)
    foreign = {pattern for path in others for pattern in _of(path)}
    usable: dict[Pattern, set[str]] = {}
    for path in rest:
        for pattern in _of(path):
            if pattern not in foreign and not _is_format(pattern):
                usable.setdefault(pattern, set()).add(path)
    tiers: dict[int, list[Pattern]] = {}
    for pattern in sorted(usable):
        tier = 0 if pattern.line in kept else _tier(pattern, len(usable[pattern]))
        tiers.setdefault(tier, []).append(pattern)
    tiers.pop(_NEVER, None)
    chosen = [pattern for number in sorted(tiers) for pattern in _taken(tiers[number], usable, rest)]
    lines = [pattern.line for pattern in sorted(_without_superfluous(chosen, usable))]
    wrong = {pattern.line for pattern in foreign}
    return (*lines, *(line for line in kept if unseen and line not in wrong and line not in lines))


def _without_superfluous(chosen: Sequence[Pattern], usable: Mapping[Pattern, set[str]]) -> list[Pattern]:
    """Patterns without those whose files others of them match, too; the latest choice covers the most."""
    counts = Counter(path for pattern in chosen for path in usable[pattern])
    needed = []
    for pattern in chosen:
        if all(counts[path] > 1 for path in usable[pattern]):
            counts.subtract(usable[pattern])
        else:
            needed.append(pattern)
    return needed


def _taken(tier: Sequence[Pattern], usable: Mapping[Pattern, set[str]], rest: set[str]) -> Iterator[Pattern]:
    """The patterns of a tier that are needed for what is left, which is made smaller by them."""
    heap = [(-len(usable[pattern]), _rank(pattern), pattern) for pattern in tier]
    heapify(heap)
    while rest and heap:
        gain, rank, pattern = heappop(heap)
        now = len(usable[pattern] & rest)
        if now == -gain:
            rest -= usable[pattern]
            yield pattern
        elif now:  # others have taken a part of it
            heappush(heap, (-now, rank, pattern))


def _rank(pattern: Pattern) -> tuple[int, int]:
    """Of several patterns for the same files: the shortest ending, the deepest folder."""
    length = len(pattern.text)
    return pattern.shape, length if pattern.shape is Shape.ENDING else -length


def _of(path: str) -> Iterator[Pattern]:
    """The patterns that match a file."""
    name = name_in(path)
    for at in re.finditer(r"[._-]", name):
        if (text := name[at.start() :]) != RULES_NAME or at.start():
            yield Pattern(Shape.ENDING, text)
    yield Pattern(Shape.NAME, name)
    folder = path
    while folder := folder.rpartition("/")[0]:
        yield Pattern(Shape.FOLDER, folder)
    yield Pattern(Shape.PATH, path)


def _is_format(pattern: Pattern) -> bool:
    return pattern.shape is Shape.ENDING and pattern.text.lower() in _PLAIN_ENDINGS


def _tier(pattern: Pattern, files: int) -> int:
    """When a pattern is tried: 1 before 2, and so on.

    An ending that two files share by chance is not worth a pattern: other files will have it, too.
    """
    if pattern.shape is Shape.PATH:
        return 4
    if pattern.shape is not Shape.FOLDER and _tells(pattern.text):
        return 1
    if pattern.shape is not Shape.ENDING and files >= _FEW:
        return 2
    return 3 if pattern.shape is Shape.ENDING and files > _FEW else _NEVER


def _tells(text: str) -> bool:
    words = re.split(r"[^a-z]+", text.lower())
    return any(word in _TELLING or word.removesuffix("s") in _TELLING for word in words)


def _quoted(text: str) -> str:
    """In C's quotes, as git reads them: control characters as octal numbers."""
    quoted = "".join(
        f"\\{character}"
        if character in '\\"'
        else f"\\{ord(character):03o}"
        if ord(character) < 32 or ord(character) == 127
        else character
        for character in text
    )
    return f'"{quoted}"'
