"""Reads JSON strictly, with the place of every value.

The standard library's reader gives no positions, and accepts NaN and duplicate keys.
Typing follows sops 3.13.2: stores/json/store.go. Unlike sops, duplicate keys, trailing text and
lone surrogates are errors: sops keeps both duplicates, drops the rest, and replaces the surrogates.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from math import isinf
from typing import cast

from fluxsecrets.errors import FormatError, LimitError
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
from fluxsecrets.sops.values import INT64_MAX, INT64_MIN, Value, line_and_column

from . import Limits

_STRING_PREFIX = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+'
_TOKEN = re.compile(
    rf'[ \t\r\n]*+(?:({_STRING_PREFIX}")'
    r"|(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)(?![0-9.eE+-])"
    r"|(true|false|null)(?![A-Za-z0-9_])"
    r"|([{}\[\],:]))"
)
_SPACE = re.compile(r"[ \t\r\n]*+")
_BAD_STRING = re.compile(_STRING_PREFIX)
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRING, _NUMBER, _WORD, _SIGN = 1, 2, 3, 4
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}
_MAX_INT_DIGITS = len(str(INT64_MIN))


@dataclass(slots=True)
class _Frame:
    """A map or list that is being read."""

    is_map: bool
    path: Path
    start: int
    items: list[object] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
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


class _Scanner:
    """Gives one token after the other, with its place."""

    __slots__ = ("end", "kind", "line", "source", "start", "text")

    def __init__(self, source: str) -> None:
        self.source = source
        self.text = ""
        self.kind = 0
        self.start = self.end = 0
        self.line = 1

    def next(self) -> str:
        """Go to the next token and give its text."""
        match = _TOKEN.match(self.source, self.end)
        if match is None:
            raise self.unreadable()
        self.kind = match.lastindex or 0
        start = match.start(self.kind)
        if start != self.end:
            self.line += self.source.count("\n", self.end, start)
        self.start, self.end = match.span(self.kind)
        # A string may be large, and is taken out of the source where it is wanted.
        self.text = "" if self.kind == _STRING else match[self.kind]
        return self.text

    def at_end(self) -> bool:
        """Whether only white space is left."""
        match = _SPACE.match(self.source, self.end)
        return match is not None and match.end() == len(self.source)

    def string(self) -> str:
        """The current token, which is a string, decoded."""
        text = self.source[self.start + 1 : self.end - 1]
        if "\\" not in text:
            return text
        value = cast("str", json.loads(f'"{text}"'))
        if _SURROGATE.search(value):
            raise self.fail("a string holds half of a surrogate pair", self.start)
        return value

    def fail(self, message: str, offset: int, hint: str | None = None) -> FormatError:
        line, column = line_and_column(self.source, offset)
        return FormatError(f"not valid JSON: {message}", line=line, column=column, hint=hint)

    def unexpected(self, wanted: str) -> FormatError:
        return self.fail(f"expected {wanted}", self.start)

    def unreadable(self) -> FormatError:
        match = _SPACE.match(self.source, self.end)
        offset = match.end() if match else self.end
        if offset == len(self.source):
            return self.fail("the file ends too early", offset)
        if self.source[offset] == '"':
            bad = _BAD_STRING.match(self.source, offset)
            return self.fail(
                "a string is not closed, or holds an invalid escape or a control character",
                bad.end() if bad else offset,
            )
        if self.source[offset] in "-0123456789":
            return self.fail("an invalid number", offset)
        return self.fail("an unexpected character", offset)


def read_object(source: str, limits: Limits) -> Mapping:
    """Read JSON text whose top level is an object; see `JsonFormat.parse` for what is raised."""
    scanner = _Scanner(source)
    if scanner.at_end():
        raise FormatError("the file is empty", hint="JSON needs at least {}")
    if scanner.next() != "{":
        raise FormatError(
            "the top level is not a JSON object, and only objects can be encrypted",
            line=scanner.line,
            hint='wrap it in an object, such as {"data": …}',
        )
    scanner.end = scanner.start
    root = _read_tree(scanner, limits)
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
    scanner = _Scanner(text)
    if scanner.at_end():
        raise scanner.fail("there is no value", 0)
    node = _read_tree(scanner, limits)
    _refuse_rest(scanner, "value")
    return node


def _refuse_rest(scanner: _Scanner, what: str) -> None:
    """Refuse text behind the root: sops ignores it, and loses it."""
    if not scanner.at_end():
        offset = cast("re.Match[str]", _SPACE.match(scanner.source, scanner.end)).end()
        raise scanner.fail(
            f"there is text after the {what}", offset, f"remove it, or make it part of the {what}"
        )


def _read_tree(scanner: _Scanner, limits: Limits) -> Node:
    # Iterative, so that deep nesting meets the limit and not Python's stack.
    stack: list[_Frame] = []
    while True:
        node = _read_value(scanner, stack, limits.depth)
        while stack:
            frame = stack[-1]
            frame.add(node)
            sign = scanner.next()
            if sign == ",":
                if frame.is_map:
                    scanner.next()
                    _read_key(scanner, frame)
                break
            if sign != ("}" if frame.is_map else "]"):
                raise scanner.unexpected("a comma or a closing bracket")
            node = stack.pop().close(scanner.end)
        else:
            return node


def _read_value(scanner: _Scanner, stack: list[_Frame], depth: int) -> Node:
    """Read up to the end of the next scalar or empty container, opening containers on the way."""
    text = scanner.next()
    while scanner.kind == _SIGN and text in "{[":
        if len(stack) >= depth:
            raise LimitError(f"nested deeper than {depth} levels", line=scanner.line)
        frame = _Frame(text == "{", stack[-1].child_path if stack else (), scanner.start)
        text = scanner.next()
        if text == ("}" if frame.is_map else "]"):
            return frame.close(scanner.end)
        stack.append(frame)
        if frame.is_map:
            _read_key(scanner, frame)
            text = scanner.next()
    if scanner.kind == _SIGN:
        raise scanner.unexpected("a value")
    style = Style.DOUBLE_QUOTED if scanner.kind == _STRING else Style.PLAIN
    value = _read_scalar(scanner)
    path = stack[-1].child_path if stack else ()
    return Leaf(path, value, scanner.start, scanner.end, scanner.line, style)


def _read_key(scanner: _Scanner, frame: _Frame) -> None:
    if scanner.kind != _STRING:
        raise scanner.unexpected("a key in double quotes")
    key = scanner.string()
    if key in frame.keys:
        raise scanner.fail(
            f"the key {show_path((*frame.path, key))} is there twice", scanner.start, "keep one of the two"
        )
    frame.keys.add(key)
    frame.key = (key, scanner.start, scanner.end, scanner.line)
    if scanner.next() != ":":
        raise scanner.unexpected("a colon")


def _read_scalar(scanner: _Scanner) -> Value:
    if scanner.kind == _STRING:
        return scanner.string()
    if scanner.kind == _WORD:
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
