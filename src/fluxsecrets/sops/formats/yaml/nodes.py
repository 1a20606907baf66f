"""YAML text -> raw nodes with their spans, by libyaml's event parser.

Only the event parser is used: it is an iterative C parser, so that depth and size can be bounded while
it runs, where libyaml's own composer recurses. Spans are in characters of the text that was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError, FormatError, LimitError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops import libyaml
from fluxsecrets.sops.document import Style
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.libyaml import (
    AliasEvent,
    CParser,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    MarkedYAMLError,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STYLES = {
    "": Style.PLAIN,
    "'": Style.SINGLE_QUOTED,
    '"': Style.DOUBLE_QUOTED,
    "|": Style.LITERAL,
    ">": Style.FOLDED,
}
"""By how libyaml names them."""

_BREAKS = r"\r\n\x85\u2028\u2029"
ANCHOR_OR_TAG = r"(?:&[0-9A-Za-z_-]+|!\S*)"
"""libyaml's anchors end where a word does: in `&a:b` the value is `:b`."""
PROPERTIES = rf"(?:{ANCHOR_OR_TAG}(?:[ \t{_BREAKS}]+(?:#[^{_BREAKS}]*)?)*)*"
"""Anchor and tag in front of a node's content, with comments and line breaks between them; a pattern."""


# There is one of these per value, so they are no records, which take longer to make.


class RawScalar:
    """A scalar: `properties` is where its anchor and tag start, `start` where its content does."""

    __slots__ = (
        *("properties", "start", "end", "line", "column"),
        *("text", "style", "tag", "anchor", "flow"),
    )

    def __init__(
        self,
        properties: int,
        start: int,
        end: int,
        line: int,
        column: int,
        text: str,
        style: Style,
        tag: str | None,
        anchor: str | None,
        flow: bool,
    ) -> None:
        self.properties = properties
        self.start = start
        self.end = end
        self.line = line
        self.column = column
        self.text = text
        self.style = style
        self.tag = tag
        self.anchor = anchor
        self.flow = flow


class RawAlias:
    """A use of an anchor; `target` is the node behind it."""

    __slots__ = ("column", "end", "flow", "line", "name", "start", "target")

    def __init__(
        self, start: int, end: int, line: int, column: int, name: str, target: RawNode, flow: bool
    ) -> None:
        self.start = start
        self.end = end
        self.line = line
        self.column = column
        self.name = name
        self.target = target
        self.flow = flow


class RawCollection:
    """A map or list. `properties` is where its anchor and tag start; a block's `end` is the next token."""

    __slots__ = ("anchor", "column", "end", "flow", "line", "properties", "start", "tag")

    def __init__(
        self,
        properties: int,
        start: int,
        end: int,
        line: int,
        column: int,
        tag: str | None,
        anchor: str | None,
        flow: bool,
    ) -> None:
        self.properties = properties
        self.start = start
        self.end = end
        self.line = line
        self.column = column
        self.tag = tag
        self.anchor = anchor
        self.flow = flow


class RawMapping(RawCollection):
    """A map."""

    __slots__ = ("keys", "values")

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.keys: list[RawNode] = []
        self.values: list[RawNode] = []


class RawSequence(RawCollection):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.items: list[RawNode] = []


RawNode = RawScalar | RawAlias | RawMapping | RawSequence


class RawDocument(NamedTuple):
    """One YAML document: its root, and the span from its start marker to its end marker."""

    root: RawNode
    start: int
    end: int
    explicit_end: bool


def line_start(source: str, offset: int) -> int:
    """Where the line that holds an offset starts; not only line feeds end one in YAML."""
    start = source.rfind("\n", 0, offset) + 1
    for other in "\r\x85\u2028\u2029":
        start = max(start, source.rfind(other, start, offset) + 1)
    return start


def parse_nodes(text: str, limits: Limits) -> tuple[RawDocument, ...]:
    """Parse a stream of YAML documents.

    Args:
        text: decoded, without a byte order mark.
        limits: depth, and what aliases expand to, are checked while parsing.

    Raises:
        FormatError: with line and column; never shows the text.
        LimitError: nested deeper than the limit, or aliases expand to more values or levels.
    """
    try:
        return tuple(_documents(text, limits))
    except YAMLError as error:
        failure = _format_error(text, error, limits)
    # Outside of the handler: the parser's error may hold pieces of the text.
    raise failure


_CHUNKED = 2**20
"""Characters from which on a text is handed to libyaml piece by piece: it would make a copy of the whole."""


class _Chunks:
    """A text as a stream, which libyaml reads from."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def read(self, size: int = 1, /) -> str:
        """The next characters; libyaml asks for bytes, and waits with what is too much."""
        start, self._place = self._place, self._place + size
        return self._text[start : self._place]


def open_parser(text: str) -> Any:
    """Libyaml's parser of a text; `dispose` frees its memory."""
    return CParser(text if len(text) <= _CHUNKED else _Chunks(text))


def _documents(text: str, limits: Limits) -> Iterator[RawDocument]:
    parser = open_parser(text)
    aliases = _Aliases(limits)
    try:
        while (event := parser.get_event()) is not None:
            if type(event) is DocumentStartEvent:
                start = _offset(event)
                root = _compose(parser, text, limits, aliases)
                end = parser.get_event()
                assert isinstance(end, DocumentEndEvent)  # noqa: S101 - the grammar says so
                yield RawDocument(root, start, _offset(end), bool(end.explicit))
    finally:
        parser.dispose()


def _offset(event: Any) -> int:
    return int(event.start_mark.index)


def _compose(parser: Any, text: str, limits: Limits, aliases: _Aliases) -> RawNode:
    anchors: dict[str, RawNode] = {}
    open_collections: list[RawMapping | RawSequence] = []
    outer: list[list[RawNode]] = []
    inner: list[RawNode] = []
    flow_depth = 0
    get_event = parser.get_event
    while True:
        event = get_event()
        kind = type(event)
        node: RawNode
        if kind is ScalarEvent:
            node = _scalar(event, text, flow_depth > 0)
            if event.anchor is not None:
                anchors[event.anchor] = node
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            collection = _collection(event, text)
            flow_depth += collection.flow
            if event.anchor is not None:
                anchors[event.anchor] = collection
            open_collections.append(collection)
            outer.append(inner)
            inner = []
            if len(open_collections) > limits.depth:
                raise _too_deep(event.start_mark, limits)
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            node = collection = open_collections.pop()
            _close(collection, inner, event.end_mark.index)
            flow_depth -= collection.flow
            inner = outer.pop()
        elif kind is AliasEvent:
            node = _alias(event, anchors, open_collections, flow_depth > 0)
            aliases.count(node, len(open_collections))
        else:
            raise FormatError("unexpected end of the YAML document")
        if not open_collections:
            return node
        inner.append(node)


class _Aliases:
    """Counts what the aliases of a file expand to, before any of it is written out."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._values = 0
        self._known: dict[int, tuple[int, int]] = {}

    def count(self, alias: RawAlias, depth: int) -> None:
        values, levels = self._expansion(alias.target)
        self._values += values
        for number, limit, what in (
            (self._values, self._limits.expansion, "values"),
            (depth + levels, self._limits.depth, "levels"),
        ):
            if number > limit:
                raise LimitError(
                    f"aliases expand to more than {limit} {what}", line=alias.line, column=alias.column + 1
                )

    def _expansion(self, node: RawNode) -> tuple[int, int]:
        """Values and levels; the aliases in it were counted before, so that no chain of them is followed."""
        if isinstance(node, RawAlias):
            return self._expansion(node.target)
        if isinstance(node, RawScalar):
            return 1, 0
        known = self._known.get(id(node))
        if known is None:
            parts = [
                self._expansion(each)
                for each in (node.values if isinstance(node, RawMapping) else node.items)
            ]
            values, levels = sum(part[0] for part in parts), max((part[1] for part in parts), default=0)
            known = self._known[id(node)] = values + 1, levels + 1
        return known


def _close(collection: RawMapping | RawSequence, inner: list[RawNode], end: int) -> None:
    """Hand its nodes to a collection that ends; a map's are key and value in turn."""
    collection.end = end
    if isinstance(collection, RawSequence):
        collection.items = inner
    else:
        collection.keys, collection.values = inner[::2], inner[1::2]


def _too_deep(mark: Any, limits: Limits) -> LimitError:
    return LimitError(f"nested deeper than {limits.depth} levels", line=mark.line + 1)


def _scalar(event: Any, text: str, flow: bool) -> RawScalar:
    mark = event.start_mark
    properties = start = mark.index
    end, tag, anchor = event.end_mark.index, event.tag, event.anchor
    if anchor is not None or tag is not None:
        match = re.compile(PROPERTIES).match(text, start, end)
        start = match.end() if match else start
    return RawScalar(
        properties,
        start,
        end,
        mark.line + 1,
        mark.column,
        event.value,
        STYLES[event.style],
        tag,
        anchor,
        flow,
    )


def _collection(event: Any, text: str) -> RawMapping | RawSequence:
    mark = event.start_mark
    start, column = mark.index, mark.column
    if event.anchor is not None or event.tag is not None:
        match = re.compile(PROPERTIES).match(text, start, event.end_mark.index)
        start = match.end() if match else start
        column = start - line_start(text, start)
    made = RawMapping if type(event) is MappingStartEvent else RawSequence
    return made(
        mark.index, start, start, mark.line + 1, column, event.tag, event.anchor, bool(event.flow_style)
    )


def _alias(
    event: Any,
    anchors: dict[str, RawNode],
    open_collections: list[RawMapping | RawSequence],
    flow: bool,
) -> RawAlias:
    mark = event.start_mark
    place = {"line": mark.line + 1, "column": mark.column + 1}
    target = anchors.get(event.anchor)
    if target is None:
        raise FormatError("alias of an anchor that is not defined before it", **place)
    if any(target is node for node in open_collections):
        raise FormatError("alias of an anchor that contains the alias itself", **place)
    return RawAlias(mark.index, event.end_mark.index, mark.line + 1, mark.column, event.anchor, target, flow)


def _format_error(text: str, error: YAMLError, limits: Limits) -> FluxsecretsError:
    from fluxsecrets.sops.conflict import conflict_error  # only when something fails

    conflict = conflict_error(text)
    if conflict is not None:
        return conflict
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        if error.problem == libyaml.TOO_DEEP:
            return _too_deep(mark, limits)
        return FormatError(f"not valid YAML: {error.problem}", line=mark.line + 1, column=mark.column + 1)
    # Reader errors carry the offending characters, which may be part of a secret.
    return FormatError("not valid YAML: it holds control characters or is not text")
