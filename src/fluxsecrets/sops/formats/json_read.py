"""Reads JSON strictly, with the place of every value.

The standard library's reader gives no positions, and accepts NaN and duplicate keys.
Typing follows sops 3.13.2: stores/json/store.go. Unlike sops, duplicate keys, trailing text and
lone surrogates are errors: sops keeps both duplicates, drops the rest, and replaces the surrogates.
"""

from __future__ import annotations

from math import isinf
from typing import cast

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.document import (
    Data,
    Entry,
    Leaf,
    Mapping,
    Node,
    Path,
    Sequence,
    Style,
    show_path,
    to_data,
)
from fluxsecrets.sops.jsontokens import SIGN, STRING, WORD, JsonScanner
from fluxsecrets.sops.known import Known
from fluxsecrets.sops.values import INT64_MAX, INT64_MIN, Value

from . import Limits

_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}
_MAX_INT_DIGITS = len(str(INT64_MIN))


@dataclass(slots=True)
class _Frame:
    """A map or list that is being read.

    Attributes:
        keys: those that a map has already; for thousands a set takes three times the memory.
    """

    is_map: bool
    path: Path
    start: int
    items: list[object] = field(default_factory=list)
    keys: dict[str, None] = field(default_factory=dict)
    key: tuple[str, int, int, int] = ("", 0, 0, 0)

    @property
    def child_path(self) -> Path:
        return (*self.path, self.key[0] if self.is_map else len(self.items))

    def add(self, node: Node) -> None:
        if self.is_map:
            key, start, end, line = self.key
            self.items.append(Entry(key, node, start, end, line))
        else:
            self.items.append(node)

    def close(self, end: int) -> Node:
        if self.is_map:
            return Mapping(cast("tuple[Entry, ...]", tuple(self.items)), self.start, end)
        return Sequence(cast("tuple[Node, ...]", tuple(self.items)), self.start, end)


def read_object(source: str, limits: Limits, known: Known | None = None) -> Mapping:
    """Read JSON text whose top level is an object; see `JsonFormat.parse` for what is raised.

    Args:
        source: the text.
        limits: of depth.
        known: what the text should hold; without it, values have their places.
    """
    scanner = JsonScanner(source)
    if scanner.at_end():
        raise FormatError("the file is empty", hint="JSON needs at least {}")
    if scanner.next() != "{":
        raise FormatError(
            "the top level is not a JSON object, and only objects can be encrypted",
            line=scanner.line,
            hint='wrap it in an object, such as {"data": …}',
        )
    scanner.end = scanner.start
    root = _read_tree(scanner, limits, known)
    _refuse_rest(scanner, "object")
    return cast("Mapping", root)


def read_value(text: str, limits: Limits = Limits()) -> Data:  # noqa: B008 - frozen
    """Read one JSON value of any kind, as strictly as a file.

    Args:
        text: the JSON.
        limits: of depth.

    Raises:
        FormatError: not JSON, duplicate keys, a number that is too large; the message shows no value.
        LimitError: too deep.
    """
    return to_data(read_node(text, limits))


def read_node(text: str, limits: Limits = Limits()) -> Node:  # noqa: B008 - frozen
    """Read one JSON value of any kind as a tree; see `read_value`."""
    scanner = JsonScanner(text)
    if scanner.at_end():
        raise scanner.fail("there is no value", 0)
    node = _read_tree(scanner, limits)
    _refuse_rest(scanner, "value")
    return node


def _refuse_rest(scanner: JsonScanner, what: str) -> None:
    """Refuse text behind the root: sops ignores it, and loses it."""
    if not scanner.at_end():
        raise scanner.fail(
            f"there is text after the {what}", scanner.rest(), f"remove it, or make it part of the {what}"
        )


def _read_tree(scanner: JsonScanner, limits: Limits, known: Known | None = None) -> Node:
    # Iterative, so that deep nesting meets the limit and not Python's stack.
    stack: list[_Frame] = []
    while True:
        node = _read_value(scanner, stack, limits.depth, known)
        while stack:
            frame = stack[-1]
            frame.add(node)
            sign = scanner.next()
            if sign == ",":
                if frame.is_map:
                    scanner.next()
                    _read_key(scanner, frame, known)
                break
            if sign != ("}" if frame.is_map else "]"):
                raise scanner.unexpected("a comma or a closing bracket")
            node = stack.pop().close(scanner.end)
        else:
            return node


def _read_value(scanner: JsonScanner, stack: list[_Frame], depth: int, known: Known | None) -> Node:
    """Read up to the end of the next scalar or empty container, opening containers on the way."""
    text = scanner.next()
    while scanner.kind == SIGN and text in "{[":
        if len(stack) >= depth:
            raise LimitError(f"nested deeper than {depth} levels", line=scanner.line)
        frame = _Frame(text == "{", stack[-1].child_path if stack else (), scanner.start)
        text = scanner.next()
        if text == ("}" if frame.is_map else "]"):
            return frame.close(scanner.end)
        stack.append(frame)
        if frame.is_map:
            _read_key(scanner, frame, known)
            text = scanner.next()
    if scanner.kind == SIGN:
        raise scanner.unexpected("a value")
    style = Style.DOUBLE_QUOTED if scanner.kind == STRING else Style.PLAIN
    value = _read_scalar(scanner)
    path = stack[-1].child_path if stack else ()
    if known is not None:
        return Leaf(*known.value(path, value), 0, 0, 0, style)
    return Leaf(path, value, scanner.start, scanner.end, scanner.line, style)


def _read_key(scanner: JsonScanner, frame: _Frame, known: Known | None) -> None:
    if scanner.kind != STRING:
        raise scanner.unexpected("a key in double quotes")
    key = scanner.string()
    if key in frame.keys:
        raise scanner.fail(
            f"the key {show_path((*frame.path, key))} is there twice", scanner.start, "keep one of the two"
        )
    if known is None:
        frame.key = (key, scanner.start, scanner.end, scanner.line)
    else:
        key = known.key(len(frame.path), key)
        frame.key = (key, 0, 0, 0)
    frame.keys[key] = None
    if scanner.next() != ":":
        raise scanner.unexpected("a colon")


def _read_scalar(scanner: JsonScanner) -> Value:
    if scanner.kind == STRING:
        return scanner.string()
    if scanner.kind == WORD:
        return _WORDS[scanner.text]
    text = scanner.text
    # An integer of 64 bits, else a float (sops: `normalizeJSONNumber`); `1.0` is a float.
    if len(text) <= _MAX_INT_DIGITS and (text.isdigit() or text[1:].isdigit()):
        value = int(text)
        if INT64_MIN <= value <= INT64_MAX:
            return value
    number = float(text)
    if isinf(number):
        raise scanner.fail("a number is too large", scanner.start, "write it as a string")
    return number
