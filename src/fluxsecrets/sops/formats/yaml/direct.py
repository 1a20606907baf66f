"""YAML text -> the document tree in one pass, where the text has no anchors, tags and flow collections.

Nearly every file is such a text. All others go the long way: `nodes`, `comments`, `build`. So does whatever
is odd or wrong, so that one place refuses it and says why.
"""

from __future__ import annotations

from collections.abc import Sequence as Items

from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.document import Entry, Leaf, Mapping, Path, Sequence, Style
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.known import Known
from fluxsecrets.sops.libyaml import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)
from fluxsecrets.sops.values import Value

from .comments import Collection, Kind, Placed, PlacedComments, in_order
from .gaps import Gaps
from .nodes import STYLES, RawDocument, RawMapping, RawSequence, open_parser
from .scalars import HINT, ScalarError, resolve_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLAIN = Style.PLAIN  # an Enum's member takes long to look up, as below
_KEY, _VALUE, _ITEM = Kind.KEY, Kind.VALUE, Kind.ITEM
_make = tuple.__new__  # in half the time of `Leaf()` and `Entry()`, which every value of every file needs


class DirectText(NamedTuple):
    """What was read.

    Attributes:
        roots: one map for each document.
        documents: where they start and end; their roots have no nodes in them.
        step: columns by which the text indents, or None if nothing is indented.
    """

    roots: tuple[Mapping, ...]
    documents: tuple[RawDocument, ...]
    step: int | None


class _NotDirectError(Exception):
    """The text has to go the long way."""


def read_direct(text: str, limits: Limits, known: Known | None = None) -> DirectText | None:
    """Read a text in one pass, or return None for one that has to go the long way.

    Args:
        text: decoded, without a byte order mark.
        limits: of the depth.
        known: what the text should hold; without it, values have their places.
    """
    parser = open_parser(text)
    try:
        return _Reader(text, limits.depth, known).read(parser)
    except (_NotDirectError, ScalarError, YAMLError):
        return None
    finally:
        parser.dispose()


class _Open:
    """A map or list that is being read.

    Attributes:
        container: says where it stands; comments are placed in it.
        rank: how many were opened before it.
        place: of its entry among those of `outer`.
        under: key, start, end and line of that entry, if `outer` is a map.
        key: the same of the value that comes next; None in front of a key, and in lists.
        keys: those that a map has already.
    """

    __slots__ = ("container", "entries", "key", "keys", "outer", "path", "place", "rank", "under")

    def __init__(
        self,
        container: Collection,
        path: Path,
        rank: int,
        outer: _Open | None = None,
        place: int = 0,
        under: tuple[str, int, int, int] | None = None,
    ) -> None:
        self.container = container
        self.path = path
        self.rank = rank
        self.outer = outer
        self.place = place
        self.under = under
        self.entries: list[Any] = []
        self.keys: set[str] | None = set() if type(container) is RawMapping else None
        self.key: tuple[str, int, int, int] | None = None

    def finish(self, placed: Items[Placed]) -> Mapping | Sequence:
        """Make the map or list with its comments, and put it into the one around it."""
        container, entries = self.container, tuple(self.entries)
        if placed:
            entries = in_order([(float(each.start), each) for each in entries], placed, self.path)
        node = (Sequence if self.keys is None else Mapping)(entries, container.start, container.end)
        if self.outer is not None:
            under = self.under
            self.outer.entries[self.place] = node if under is None else Entry(under[0], node, *under[1:])
        return node


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, depth: int, known: Known | None) -> None:
        self._size = len(text)
        self._depth = depth
        self._gaps = Gaps(text)
        self._commented = self._gaps.commented
        # Comments are placed by the places of values.
        self._known = None if self._commented else known
        self._inner: _Open | None = None
        self._levels = self._opened = self._start = 0
        self._root: RawMapping | None = None
        self._closed: list[_Open] = []
        self._roots: list[Mapping] = []
        self._documents: list[RawDocument] = []
        self._step: tuple[int, int] | None = None

    def read(self, parser: Any) -> DirectText:
        get_event, scalar = parser.get_event, self._scalar
        while (event := get_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._open(event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close(event)
            elif kind is DocumentStartEvent:
                self._start = event.start_mark.index
                if self._documents:
                    self._gaps.end(self._documents, self._documents[-1].end)
            elif kind is DocumentEndEvent:
                self._end(event)
            elif kind is AliasEvent:
                raise _NotDirectError
        if not self._documents:
            raise _NotDirectError
        return self._result()

    def _result(self) -> DirectText:
        self._gaps.end(self._documents, self._size)
        comments = PlacedComments(self._gaps.placed)
        for closed in self._closed:
            self._finish(closed, comments.of(closed.container))
        step = None if self._step is None else self._step[1]
        return DirectText(tuple(self._roots), tuple(self._documents), step)

    def _end(self, event: Any) -> None:
        assert self._root is not None  # noqa: S101 - other roots were left to the long way
        end = event.start_mark.index
        self._documents.append(RawDocument(self._root, self._start, end, bool(event.explicit)))

    def _open(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None or event.flow_style:
            raise _NotDirectError
        self._levels += 1
        if self._levels > self._depth:
            raise _NotDirectError
        outer, mark = self._inner, event.start_mark
        start = mark.index
        place = (start, start, start, mark.line + 1, mark.column, None, None, False)
        is_map = type(event) is MappingStartEvent
        container: Collection = RawMapping(*place) if is_map else RawSequence(*place)
        if outer is not None:
            self._enter(container, outer)
        elif type(container) is RawMapping:
            self._root = container
            self._gaps.begin(container)
            self._inner = _Open(container, (), self._opened)
        else:
            raise _NotDirectError
        self._opened += 1

    def _enter(self, container: Collection, outer: _Open) -> None:
        key, number = outer.key, len(outer.entries)
        if outer.keys is None:
            path: Path = (*outer.path, number)
        elif key is None:  # a key that is a map or a list
            raise _NotDirectError
        else:
            path = (*outer.path, key[0])
            indented = container.column - outer.container.column
            if indented > 0 and (self._step is None or outer.rank < self._step[0]):
                self._step = outer.rank, indented
        self._inner = _Open(container, path, self._opened, outer, number, key)
        outer.entries.append(None)
        outer.key = None
        if self._commented:
            self._gaps.opened(container, outer.container)

    def _close(self, event: Any) -> None:
        closed = self._inner
        assert closed is not None  # noqa: S101 - the grammar says so
        closed.container.end = event.end_mark.index
        self._levels -= 1
        self._inner = closed.outer
        if self._commented:
            self._closed.append(closed)  # a comment further down may belong to it
        else:
            self._finish(closed, ())

    def _finish(self, closed: _Open, placed: Items[Placed]) -> None:
        node = closed.finish(placed)
        if closed.outer is None:
            assert isinstance(node, Mapping)  # noqa: S101 - other roots were left to the long way
            self._roots.append(node)

    def _scalar(self, event: Any) -> None:
        inner = self._inner
        if inner is None or event.anchor is not None or event.tag is not None:
            raise _NotDirectError
        mark = event.start_mark
        start, end, line = mark.index, event.end_mark.index, mark.line + 1
        style, value = STYLES[event.style], event.value
        if style is _PLAIN and (not value or value[0] in HINT):
            value = resolve_plain(value)
        if self._known is not None:
            self._known_scalar(inner, self._known, value, style)
            return
        key, kind, entry = inner.key, _VALUE, start
        if key is not None:
            text, entry, key_end, key_line = key
            line = key_line if line == key_line else line  # one number in memory
            leaf = _make(Leaf, ((*inner.path, text), value, start, end, line, style, False, False))
            inner.entries.append(_make(Entry, (text, leaf, entry, key_end, key_line, False)))
            inner.key = None
        elif inner.keys is None:
            path = (*inner.path, len(inner.entries))
            inner.entries.append(_make(Leaf, (path, value, start, end, line, style, False, False)))
            kind = _ITEM
        elif type(value) is not str or value in inner.keys or (value == "<<" and style is _PLAIN):
            raise _NotDirectError
        else:
            inner.keys.add(value)
            inner.key = value, start, end, line
            kind = _KEY
        if self._commented and start < end:
            self._gaps.pass_by((start, end, kind, inner.container, entry))

    def _known_scalar(self, inner: _Open, known: Known, value: Value, style: Style) -> None:
        """The same as `_scalar` for a text whose places do not matter."""
        if inner.keys is not None and inner.key is None:
            if not isinstance(value, str) or value in inner.keys or (value == "<<" and style is _PLAIN):
                raise _NotDirectError
            key = known.key(len(inner.path), value)
            inner.keys.add(key)
            inner.key = key, 0, 0, 0
            return
        step = len(inner.entries) if inner.key is None else inner.key[0]
        path, value = known.value((*inner.path, step), value)
        leaf = Leaf(path, value, 0, 0, 0, style)
        inner.entries.append(leaf if inner.key is None else Entry(inner.key[0], leaf, 0, 0, 0))
        inner.key = None
