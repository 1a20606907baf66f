"""YAML and JSON for looking only: what sops or kubectl would refuse is read up to the fault.

Duplicate keys, keys that are not strings, several documents, documents that are not maps: all of them may
hold secrets. JSON is read as JSON. Of all else libyaml's events are turned into light nodes; a document that
breaks off keeps what stands before the fault.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError, FormatError, LimitError
from fluxsecrets.scan.template import is_template, without_expressions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_DEPTH = 200
MAX_VALUES = 2_000_000
"""Values that a file may have, with what aliases stand for."""
MAX_EXPANSION = 20_000
"""Nodes, empty maps and lists too, that a file's aliases may stand for: each is looked at by every rule."""

BLOCK = "|>"


class Scalar:
    """A scalar: its text, where it stands, and how it is written.

    Attributes:
        start, end: offsets in the file's text; anchors and tags belong to it.
        line, column: 1-based.
        style: "" for plain, a quote, or the sign of a block scalar.
    """

    __slots__ = ("column", "end", "line", "start", "style", "tag", "text")

    def __init__(
        self, text: str, span: tuple[int, int], line: int, column: int, style: str, tag: str | None = None
    ) -> None:
        self.text = text
        self.start, self.end = span
        self.line = line
        self.column = column
        self.style = style
        self.tag = tag


class Map:
    """A map: its keys and values in turn, as they stand."""

    __slots__ = ("line", "pairs")

    def __init__(self, line: int) -> None:
        self.line = line
        self.pairs: list[tuple[Node, Node]] = []

    def get(self, key: str) -> Node | None:
        """The last value under a key, which is the one that counts, or None."""
        for name, value in reversed(self.pairs):
            if type(name) is Scalar and name.text == key:
                return value
        return None


class List:
    """A list."""

    __slots__ = ("items", "line")

    def __init__(self, line: int) -> None:
        self.line = line
        self.items: list[Node] = []


Node = Scalar | Map | List


class Parsed:
    """The documents of a file, and the fault that ended it, or None."""

    __slots__ = ("documents", "fault")

    def __init__(self, documents: list[Node], fault: FluxsecretsError | None) -> None:
        self.documents = documents
        self.fault = fault


def parse_template(text: str) -> Parsed:
    """Parse a file, templates too.

    Expressions of several lines count only if the text is not valid without: signs in two comments must not
    hide what is between them.
    """
    if not is_template(text):
        return parse(text)
    parsed = parse(without_expressions(text))
    return parsed if parsed.fault is None else parse(without_expressions(text, across=True))


def parse(text: str) -> Parsed:
    """Read all documents of a file; never raises for what is in it."""
    if (root := _json(text)) is not None:
        return Parsed([root], None)
    from fluxsecrets.sops.libyaml import CParser, YAMLError

    reader = _Reader()
    try:
        parser = CParser(text)
    except (YAMLError, UnicodeEncodeError):
        return Parsed([], FormatError("not valid YAML: it holds control characters or is not text"))
    try:
        reader.read(parser)
    except FluxsecretsError as error:
        return Parsed(reader.all(), error)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) if mark is not None else None
        line = mark.line + 1 if mark is not None else None
        message = f"not valid YAML: {problem or 'it holds control characters or is not text'}"
        return Parsed(reader.all(), FormatError(message, line=line))
    finally:
        parser.dispose()
    return Parsed(reader.documents, None)


def _json(text: str) -> Node | None:
    """The root of a text that is JSON, or None for any other."""
    if not text.lstrip(" \t\r\n").startswith(("{", "[")):
        return None
    from .jsonreader import read_json  # few files are JSON, and the hook pays for every import

    return read_json(text)


def _scalar(event: Any) -> Scalar:
    mark = event.start_mark
    span = (mark.index, event.end_mark.index)
    return Scalar(event.value, span, mark.line + 1, mark.column + 1, event.style or "", event.tag)


class _Reader:
    """The state of one pass."""

    def __init__(self) -> None:
        self.documents: list[Node] = []
        self.open: list[Map | List] = []
        self.keys: list[Node | None] = []  # for each open collection the key that waits for its value
        self.total = 0  # nodes so far, with what aliases stand for
        self.expanded = 0  # those that came through aliases

    def all(self) -> list[Node]:
        """The documents, the one that was broken off too."""
        return [*self.documents, *self.open[:1]]

    def read(self, parser: Any) -> None:
        from fluxsecrets.sops.libyaml import (
            AliasEvent,
            DocumentStartEvent,
            MappingEndEvent,
            MappingStartEvent,
            ScalarEvent,
            SequenceEndEvent,
            SequenceStartEvent,
        )

        anchors: dict[str, Node] = {}
        sizes: dict[int, int] = {}  # of the collections that have ended, by the node's identity
        starts: list[int] = []
        get_event = parser.get_event
        while (event := get_event()) is not None:
            kind = type(event)
            self.total += 1
            if kind is ScalarEvent:
                node: Node = _scalar(event)
                if event.anchor is not None:
                    anchors[event.anchor] = node
                self.add(node)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                made = Map if kind is MappingStartEvent else List
                opened = made(event.start_mark.line + 1)
                if event.anchor is not None:
                    anchors[event.anchor] = opened
                self.add(opened)
                starts.append(self.total)
                self.open.append(opened)
                self.keys.append(None)
                if len(self.open) > MAX_DEPTH:
                    raise LimitError(f"nested deeper than {MAX_DEPTH} levels", line=opened.line)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                ended = self.open.pop()
                self.keys.pop()
                sizes[id(ended)] = self.total - starts.pop()
                if not self.open:
                    self.documents.append(self.root)
            elif kind is AliasEvent:
                target = anchors.get(event.anchor)
                if target is None:
                    raise FormatError(
                        "alias of an anchor that is not defined before it", line=event.start_mark.line + 1
                    )
                self.count(1 if type(target) is Scalar else sizes.get(id(target)), event.start_mark.line + 1)
                self.add(target)
            elif kind is DocumentStartEvent:
                anchors.clear()

    def count(self, size: int | None, line: int) -> None:
        """Take what an alias stands for into account; None where its collection has not ended."""
        if size is None:
            raise FormatError("an alias leads back to itself", line=line)
        self.total += size
        self.expanded += size
        if self.expanded > MAX_EXPANSION:
            raise LimitError(f"aliases expand to more than {MAX_EXPANSION} values", line=line)

    def add(self, node: Node) -> None:
        """Put a node where it belongs: a root, an item, a key, or the value of the key before."""
        if not self.open:
            self.root = node
            if type(node) is Scalar:
                self.documents.append(node)
            return
        inside = self.open[-1]
        if type(inside) is List:
            inside.items.append(node)
            return
        key = self.keys[-1]
        if key is None:
            self.keys[-1] = node
        else:
            assert type(inside) is Map  # noqa: S101 - a list was handled above
            inside.pairs.append((key, node))
            self.keys[-1] = None


Path = tuple[str | int, ...]


class Value:
    """A scalar in its place.

    Attributes:
        path: keys and list positions from where the walk started.
        key: its key, or None for an item of a list or a root.
        holder: the map or list that it stands in.
    """

    __slots__ = ("holder", "key", "path", "scalar")

    def __init__(self, path: Path, scalar: Scalar, key: Scalar | None, holder: Map | List | None) -> None:
        self.path = path
        self.scalar = scalar
        self.key = key
        self.holder = holder

    @property
    def name(self) -> str:
        """The nearest key above: the value's own, or the key of its list."""
        return next((step for step in reversed(self.path) if isinstance(step, str)), "")


def walk(node: Node, path: Path = ()) -> Iterator[Value]:
    """Every value below a node; merge keys belong to the map that they stand in.

    Raises:
        LimitError: aliases stand for too much, or contain themselves.
    """
    left = MAX_VALUES
    pending: list[tuple[Path, Node, Scalar | None, Map | List | None]] = [(path, node, None, None)]
    while pending:
        here, node, key, holder = pending.pop()
        left -= 1
        if left < 0 or len(here) > MAX_DEPTH * 2:
            raise LimitError("aliases in this file expand to too much, or to themselves", line=_line(node))
        if type(node) is Scalar:
            yield Value(here, node, key, holder)
        elif type(node) is Map:
            for name, value in reversed(node.pairs):
                if type(name) is Scalar:
                    inner = here if name.text == "<<" and type(value) is not Scalar else (*here, name.text)
                    pending.append((inner, value, name, node))
                else:
                    pending += [(here, value, None, node), (here, name, None, node)]
        elif type(node) is List:
            pending += [
                ((*here, index), item, None, node)
                for index, item in zip(range(len(node.items) - 1, -1, -1), reversed(node.items), strict=True)
            ]


def _line(node: Node) -> int:
    return node.line


def child(node: Node | None, *keys: str) -> Node | None:
    """The node under nested keys, or None."""
    for key in keys:
        if type(node) is not Map:
            return None
        node = node.get(key)
    return node


def text_of(node: Node | None) -> str | None:
    """The text of a scalar, or None for anything else."""
    return node.text if type(node) is Scalar else None


def is_null(scalar: Scalar) -> bool:
    """Whether a scalar is YAML's null."""
    return not scalar.style and scalar.text in ("", "~", "null", "Null", "NULL")


def is_typed(scalar: Scalar) -> bool:
    """Whether a plain scalar is a boolean or null rather than text."""
    return is_null(scalar) or (
        not scalar.style and scalar.text in ("true", "false", "True", "False", "TRUE", "FALSE")
    )


_IN_NAMES = dict.fromkeys(map(ord, "-_./"))
"""Signs beside letters and digits that keys are shown with, for `str.translate` to take out."""


def show(path: Path) -> str:
    """A path for people: `data.password`, `env[0].value`; other characters are quoted."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif step and len(step) <= 100 and f"{step.translate(_IN_NAMES)}a".isalnum():
            shown += f".{step}" if shown else step
        else:
            shown += "[" + ascii(step[:100]) + "]"
    return shown
