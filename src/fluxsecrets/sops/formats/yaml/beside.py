"""A YAML text that was just written, beside the documents that it was made of: only what differs is kept.

To read a text as a tree takes longer than all else that is done to a file. Whether a text has the maps, keys
and lists of a tree that is there already can be told from libyaml's events as they come.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from operator import attrgetter

from fluxsecrets.errors import MetadataError
from fluxsecrets.sops.beside import Beside
from fluxsecrets.sops.comparison import same_data
from fluxsecrets.sops.document import Comment, Data, Entry, Leaf, Mapping, Node, Path, Sequence
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.libyaml import (
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)
from fluxsecrets.sops.metadata import parse_metadata
from fluxsecrets.sops.values import Value

from .block import KEY
from .comments import Collection, Kind
from .gaps import Gaps
from .nodes import RawDocument, RawMapping, RawSequence, open_parser
from .scalars import HINT, ScalarError, resolve_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SCALAR: Any = ScalarEvent  # the type checker's own places may be missing
_LIST_END: Any = SequenceEndEvent
_MAP_END: Any = MappingEndEvent
_MAP, _LIST, _END, _VALUE = 1, 2, 3, 4
_Shape = list[int | str]
"""Maps, lists and values as these numbers in the order of the text, keys as themselves."""
_KEY_HINT = HINT | {"<"}
_KEY, _PLACE, _ITEM = Kind.KEY, Kind.VALUE, Kind.ITEM


_BLOCK_LEVELS = 5
"""Of a `sops` block: itself, a list of key groups, a group, a list of keys, a key."""


class _UncommonError(Exception):
    """The text has something that only reading it as a tree tells."""


def read_beside(text: str, limits: Limits, parts: Items[Mapping]) -> Beside | None:
    """Read a text beside the documents that it was made of.

    Args:
        text: decoded, without a byte order mark.
        limits: of the depth.
        parts: without `sops` blocks.

    Returns:
        None if it has other maps, keys or lists, or is not of the common form. The common form has no
        anchors, tags and flow collections, and the same `sops` block in each document.
    """
    parser = open_parser(text)
    reader = _Reader(text, limits.depth)
    try:
        get_event: Callable[[], Any] = parser.get_event
        reader.read(get_event)
        if reader.shape != shape_of(parts):
            return None
        return reader.result()
    except (_UncommonError, ScalarError, YAMLError, MetadataError):
        return None
    finally:
        parser.dispose()


def shape_of(parts: Items[Mapping]) -> _Shape:
    """The shape of documents."""
    shape: _Shape = []
    for part in parts:
        _add_shape(part, shape)
    return shape


def _add_shape(node: Mapping | Sequence, shape: _Shape) -> None:
    if type(node) is Mapping:
        shape.append(_MAP)
        for entry in node.entries:
            if type(entry) is Entry:
                if entry.merge:
                    raise _UncommonError
                shape.append(entry.key)
                _add_node(entry.value, shape)
    else:
        shape.append(_LIST)
        for item in node[0]:
            if type(item) is not Comment:
                _add_node(item, shape)  # type: ignore[arg-type]
    shape.append(_END)


def _add_node(node: Node, shape: _Shape) -> None:
    if type(node) is Leaf:
        shape.append(_VALUE)
    else:
        _add_shape(node, shape)  # type: ignore[arg-type]


class _Reader:
    """Reads one text.

    Attributes:
        shape: what was read, without `sops` blocks.
    """

    def __init__(self, text: str, depth: int) -> None:
        self.shape: _Shape = []
        self._text = text
        self._depth = depth
        self._values: list[Value] = []
        self._blocks: list[Data] = []
        self._documents: list[RawDocument] = []
        self._gaps = Gaps(text)
        # Only where there may be comments:
        self._commented = self._gaps.commented
        self._paths: dict[int, Path] = {}
        self._block_start = 0

    def read(self, get_event: Callable[[], Any]) -> None:
        """Read all of it.

        Raises:
            _UncommonError, ScalarError, YAMLError: it is not of the common form.
        """
        while (event := get_event()) is not None:
            if type(event) is not DocumentStartEvent:
                continue  # start and end of the text
            if self._documents:
                self._gaps.end(self._documents, self._documents[-1].end)
            self._document(event, get_event)
        self._gaps.end(self._documents, len(self._text))

    def result(self) -> Beside:
        """What was read.

        Raises:
            _UncommonError: there is no block, or the documents have different ones.
            MetadataError: the block is not one.
        """
        first, *others = self._blocks or [None]
        if not isinstance(first, dict) or not all(same_data(block, first) for block in others):
            raise _UncommonError
        placed = sorted(self._gaps.placed, key=attrgetter("order"))
        comments = [(self._paths[id(each.container)], each.comment.text) for each in placed]
        return Beside(parse_metadata(first), self._values, comments)

    def _document(self, start: Any, get_event: Callable[[], Any]) -> None:
        event, blocks = get_event(), len(self._blocks)
        if type(event) is not MappingStartEvent:
            raise _UncommonError
        root = self._collection(event, (), None)
        self._map(get_event, (), root)
        end = get_event()
        index = end.start_mark.index
        if len(self._blocks) != blocks + 1:
            raise _UncommonError
        # The scalars in the block were not passed by, and comments might stand between them.
        if self._commented and "#" in self._text[self._block_start : index]:
            raise _UncommonError
        self._documents.append(RawDocument(root, start.start_mark.index, index, bool(end.explicit)))

    def _collection(self, event: Any, path: Path, outer: Collection | None) -> RawMapping | RawSequence:
        """Begin a map or list."""
        if event.anchor is not None or event.tag is not None or event.flow_style or len(path) >= self._depth:
            raise _UncommonError
        is_map = type(event) is MappingStartEvent
        self.shape.append(_MAP if is_map else _LIST)
        mark = event.start_mark
        start = mark.index
        made = (RawMapping if is_map else RawSequence)(
            start, start, start, mark.line + 1, mark.column, None, None, False
        )
        if self._commented:
            self._paths[id(made)] = path
            if outer is None:
                self._gaps.begin(made)  # type: ignore[arg-type] # the caller knows that it is a map
            else:
                self._gaps.opened(made, outer)
        return made

    def _map(self, get_event: Callable[[], Any], path: Path, container: Collection) -> None:
        # Written out, since every value of every file comes by here.
        add, add_value, commented = self.shape.append, self._values.append, self._commented
        entry = 0
        while type(event := get_event()) is _SCALAR:
            key = event.value
            if event.anchor is not None or event.tag is not None:
                raise _UncommonError
            if not event.style and (not key or key[0] in _KEY_HINT) and not _is_plain_key(key):
                raise _UncommonError
            if commented:
                entry = event.start_mark.index
                self._pass_by(event, _KEY, container, entry)
            if key == KEY and not path:
                self._block_start = entry
                self._blocks.append(_data(get_event(), get_event))
                continue
            add(key)
            event = get_event()
            if type(event) is not _SCALAR:
                self._inner(event, get_event, (*path, key), container)
                continue
            if event.anchor is not None or event.tag is not None:
                raise _UncommonError
            value = event.value
            if not event.style and (not value or value[0] in HINT):
                value = resolve_plain(value)
            add_value(value)
            add(_VALUE)
            if commented:
                self._pass_by(event, _PLACE, container, entry)
        if type(event) is not _MAP_END:
            raise _UncommonError
        container.end = event.end_mark.index
        add(_END)

    def _list(self, get_event: Callable[[], Any], path: Path, container: Collection) -> None:
        number = 0
        while type(event := get_event()) is not _LIST_END:
            if type(event) is _SCALAR:
                self._values.append(_value(event))
                self.shape.append(_VALUE)
                if self._commented:
                    self._pass_by(event, _ITEM, container, event.start_mark.index)
            else:
                self._inner(event, get_event, (*path, number), container)
            number += 1
        container.end = event.end_mark.index
        self.shape.append(_END)

    def _inner(self, event: Any, get_event: Callable[[], Any], path: Path, outer: Collection) -> None:
        if type(event) is MappingStartEvent:
            self._map(get_event, path, self._collection(event, path, outer))
        elif type(event) is SequenceStartEvent:
            self._list(get_event, path, self._collection(event, path, outer))
        else:
            raise _UncommonError

    def _pass_by(self, event: Any, kind: Kind, container: Collection, entry: int) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if start < end:
            self._gaps.pass_by((start, end, kind, container, entry))


def _is_plain_key(text: str) -> bool:
    return text != "<<" and type(resolve_plain(text)) is str


def _value(event: Any) -> Value:
    """The value of a scalar."""
    if event.anchor is not None or event.tag is not None:
        raise _UncommonError
    value: str = event.value
    return resolve_plain(value) if not event.style and (not value or value[0] in HINT) else value


def _data(event: Any, get_event: Callable[[], Any], levels: int = _BLOCK_LEVELS) -> Data:
    """The data of a block, or of a piece of it, of which the first event was read."""
    kind = type(event)
    if kind is ScalarEvent:
        return _value(event)
    if levels == 0 or event.anchor is not None or event.tag is not None:
        raise _UncommonError
    if kind is SequenceStartEvent:
        items: list[Data] = []
        while type(inner := get_event()) is not SequenceEndEvent and not event.flow_style:
            items.append(_data(inner, get_event, levels - 1))
        if type(inner) is not SequenceEndEvent:  # in flow style only an empty one is common
            raise _UncommonError
        return items
    data: dict[str, Data] = {}
    while type(inner := get_event()) is ScalarEvent and not event.flow_style:
        key = _value(inner)
        if type(key) is not str or key in data or key == "<<":
            raise _UncommonError
        data[key] = _data(get_event(), get_event, levels - 1)
    if type(inner) is not MappingEndEvent:
        raise _UncommonError
    return data
