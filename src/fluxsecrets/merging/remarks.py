"""Comments that only theirs changed: above an entry, behind its value, and at the end of a map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from fluxsecrets.sops.document import Comment, Mapping
from fluxsecrets.sops.formats import Edit, line_end, line_start

from .lines import inserted, moved
from .spans import Child, Text


class _Place(NamedTuple):
    """Where comments are, or could be.

    Attributes:
        start, end: the span in the text.
        texts: the comments, without blanks around them.
    """

    start: int
    end: int
    texts: tuple[str, ...]


class Version(NamedTuple):
    """A map on one side, in the document with a number."""

    text: Text
    container: Mapping
    part: int

    @property
    def in_lines(self) -> bool:
        """Whether each entry has lines of its own."""
        return self.text.in_lines(self.container)


class Remarks:
    """Takes over the comments of one document that only theirs changed."""

    def __init__(self, base: Version | None, ours: Version, theirs: Version) -> None:
        """Take the document's root on each side; `base` is None if both sides added the file."""
        self._base, self._ours, self._theirs = base, ours, theirs
        # A comment that is elsewhere now was not removed: what is in front of it moved.
        self._more = Counter(_texts(theirs)) - (Counter() if base is None else Counter(_texts(base)))
        self._less = Counter() if base is None else Counter(_texts(base)) - Counter(_texts(theirs))

    def edits(self) -> Iterator[list[Edit]]:
        """The edits of ours' text, one list for each comment or run of comments."""
        yield from self._map(self._base, self._ours, self._theirs)

    def _map(self, base: Version | None, ours: Version, theirs: Version) -> Iterator[list[Edit]]:
        if base is not None and not base.in_lines:
            base = None
        if not ours.in_lines or not theirs.in_lines:
            return
        for child in ours.text.children(ours.container):
            other = theirs.text.child(theirs.container, child.key)
            before = None if base is None else base.text.child(base.container, child.key)
            if other is not None:
                yield from self._entry(base, before, ours, child, theirs, other)
        own, others = _last(ours), _last(theirs)
        yield from self._lines(None if base is None else _last(base), own, others, ours, theirs)

    def _entry(
        self,
        base: Version | None,
        before: Child | None,
        ours: Version,
        child: Child,
        theirs: Version,
        other: Child,
    ) -> Iterator[list[Edit]]:
        earlier = None if base is None or before is None else _above(base, before)
        yield from self._lines(earlier, _above(ours, child), _above(theirs, other), ours, theirs)
        earlier = None if base is None or before is None else _behind(base.text, before)
        own, new = _behind(ours.text, child), _behind(theirs.text, other)
        if self._only_theirs(earlier, own, new):
            yield [(own.start, own.end, theirs.text.source[new.start : new.end] if new.texts else "")]
        if isinstance(child.node, Mapping) and isinstance(other.node, Mapping):
            inner = None
            if base is not None and before is not None and isinstance(before.node, Mapping):
                inner = base._replace(container=before.node)
            deeper = ours._replace(container=child.node), theirs._replace(container=other.node)
            yield from self._map(inner, *deeper)

    def _lines(
        self, base: _Place | None, own: _Place | None, other: _Place | None, ours: Version, theirs: Version
    ) -> Iterator[list[Edit]]:
        if own is None or other is None or not self._only_theirs(base, own, other):
            return
        text: str | None = ""
        if other.start < other.end:
            text = moved(ours.text, ours.container, theirs.text, theirs.container, other.start, other.end)
        if text is not None:
            yield [
                inserted(ours.text, own.start, text) if own.start == own.end else (own.start, own.end, text)
            ]

    def _only_theirs(self, base: _Place | None, own: _Place, other: _Place) -> bool:
        before = () if base is None else base.texts
        if own.texts != before or other.texts == before:
            return False
        less, more = Counter(before) - Counter(other.texts), Counter(other.texts) - Counter(before)
        return less <= self._less and more <= self._more


def _texts(version: Version) -> list[str]:
    """The comment lines of a document."""
    signs = f"{version.text.signs} \t\r"
    document = version.text.document
    single = replace(document, parts=document.parts[version.part : version.part + 1])
    comments = (item for item in single.items if isinstance(item, Comment))
    return [line.strip(signs) for comment in comments for line in comment.text.splitlines()]


def _above(version: Version, child: Child) -> _Place | None:
    """The comment and blank lines above an entry."""
    text = version.text
    end = text.head(child)
    if end is None:
        return None
    siblings = text.children(version.container)
    floor = text.tail(siblings[child.number - 1]) if child.number else 0
    start = end
    while start > floor:
        above = line_start(text.source, start - 1)
        line = text.source[above:start].strip()
        if above < floor or (line and not line.startswith(tuple(text.signs))):
            break
        start = above
    return _Place(start, end, _lines_of(text, start, end))


def _behind(text: Text, child: Child) -> _Place:
    """The comment behind a value on its line."""
    end = line_end(text.source, child.end)
    end -= text.source.endswith("\r", child.end, end)
    rest = text.source[child.end : end].strip()
    dotenv = text.document.format == "dotenv"
    if dotenv or not rest.startswith(tuple(text.signs)):
        return _Place(child.end, child.end, ())
    return _Place(child.end, end, _lines_of(text, child.end, end))


def _last(version: Version) -> _Place | None:
    """The comment lines behind the last entry that belong to the map."""
    text = version.text
    children = text.children(version.container)
    if not children:
        return None
    start = text.tail(children[-1])
    ends = [
        item.end for item in version.container.entries if isinstance(item, Comment) and item.start >= start
    ]
    end = min(line_end(text.source, max(ends)) + 1, len(text.source)) if ends else start
    lines = text.source[start:end].splitlines()
    if any(line.strip() and not line.strip().startswith(tuple(text.signs)) for line in lines):
        return None
    return _Place(start, end, _lines_of(text, start, end))


def _lines_of(text: Text, start: int, end: int) -> tuple[str, ...]:
    lines = (line.strip(f"{text.signs} \t\r") for line in text.source[start:end].splitlines())
    return tuple(line for line in lines if line)
