"""YAML as a tree whose nodes know their place, and typed fields out of it: configuration with precise errors.

Read from libyaml's events without recursion, with limits on depth and on what aliases stand for.
Scalars are typed, and aliases and merge keys resolved, as go-yaml v3 does it for configuration. The YAML
format reads the values of secret files.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping

from fluxsecrets.errors import ConfigError, LimitError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

from .selectors import SYNTAX_HINT, Regex, RegexError, compile_regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

MAX_BYTES = 2**20
MAX_DEPTH = 100
MAX_EXPANSION = 100_000
"""Nodes that all aliases of a file may stand for together."""


class ScalarNode(NamedTuple):
    """A scalar.

    Attributes:
        text: its content, without quotes.
        kind: `str`, `int`, `float`, `bool`, `null`, `timestamp`, `binary` or `merge`.
        line, column: 1-based; column in characters.
        anchor: the name behind `&`, or None.
    """

    text: str
    kind: str
    line: int
    column: int
    anchor: str | None = None


class ListNode(NamedTuple):
    """A list; aliases stand as the nodes that they mean."""

    items: tuple[Node, ...]
    line: int
    column: int
    anchor: str | None = None


class MapNode(NamedTuple):
    """A map, its own entries first, then those merged in that it does not have itself."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    line: int
    column: int
    anchor: str | None = None


Node = ScalarNode | ListNode | MapNode


def compose(data: bytes, *, path: str) -> Node | None:
    """Read a YAML file with at most one document.

    Args:
        data: the file, UTF-8, with or without a byte order mark.
        path: its name, for messages.

    Returns:
        The root node, or None for a file without content.

    Raises:
        ConfigError: no UTF-8, no YAML, duplicate keys, keys that are no scalars, unknown or circular
            aliases, a second document, or a private key; the message never shows content.
        LimitError: too large, too deep, or aliases that stand for too much.
    """
    if len(data) > MAX_BYTES:
        raise LimitError(f"the file is larger than {MAX_BYTES} bytes", path=path)
    return _Composer(path).compose(_decode(data, path))


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it; what aliases stand for comes once for each use."""
    yield node
    if isinstance(node, ListNode):
        for item in node.items:
            yield from walk(item)
    elif isinstance(node, MapNode):
        for key, value in node.entries:
            yield key
            yield from walk(value)


def _decode(data: bytes, path: str) -> str:
    try:
        return data.removeprefix(BOM_UTF8).decode()  # the codec of both is a module of its own
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError("the file is not UTF-8", path=path, line=line) from None


@dataclass(slots=True)
class _Frame:
    """A list or map whose end has not come yet."""

    start: Any
    is_map: bool
    total: int
    height: int = 1
    keys: list[ScalarNode] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def wants_key(self) -> bool:
        return self.is_map and len(self.keys) == len(self.children)


class _Anchored(NamedTuple):
    node: Node | None  # None while it is open: an alias inside would be circular
    size: int = 0
    height: int = 0  # levels, through aliases as well


class _Composer:
    """The state of one pass over the events."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.anchors: dict[str, _Anchored] = {}
        self.frames: list[_Frame] = []
        self.total = 0  # nodes so far, with what aliases stand for
        self.expanded = 0  # those that came through aliases
        self.documents: list[Node] = []

    def fail(self, message: str, mark: Any, *, hint: str | None = None) -> NoReturn:
        raise ConfigError(message, hint=hint, path=self.path, line=mark.line + 1, column=mark.column + 1)

    def fail_at(self, node: Node, message: str) -> NoReturn:
        raise ConfigError(message, path=self.path, line=node.line, column=node.column)

    def compose(self, text: str) -> Node | None:
        # Most runs that load this module read no configuration, and the import is slow.
        from fluxsecrets.sops import libyaml as yaml

        parser = yaml.CParser(text)
        handlers = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.MappingStartEvent: self.open_map,
            yaml.SequenceStartEvent: self.open_list,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceEndEvent: self.close,
        }
        try:
            while (event := parser.get_event()) is not None:
                if handler := handlers.get(type(event)):
                    handler(event)
        except yaml.MarkedYAMLError as error:
            problem = error.problem or error.context or "syntax error"
            if error.problem_mark is None:
                raise ConfigError(f"not valid YAML: {problem}", path=self.path) from None
            if problem == yaml.TOO_DEEP:
                raise self.too_deep(error.problem_mark) from None
            self.fail(f"not valid YAML: {problem}", error.problem_mark)
        except yaml.YAMLError:  # a character that YAML does not allow; its text would quote the file
            line = _line_of_unprintable(text)
            raise ConfigError(
                "not valid YAML: a control character that YAML does not allow", path=self.path, line=line
            ) from None
        finally:
            parser.dispose()
        return self.documents[0] if self.documents else None

    def scalar(self, event: Any) -> None:
        kind = _scalar_kind(event.value, event.tag, plain=not event.style)
        self.total += 1
        mark = event.start_mark
        self.refuse_private_key(event.value, mark)
        node = ScalarNode(event.value, kind, mark.line + 1, mark.column + 1, event.anchor)
        if event.anchor:
            self.refuse_private_key(event.anchor, mark)
            self.anchors[event.anchor] = _Anchored(node, 1)
        self.add(node, event, 0)

    def refuse_private_key(self, text: str, mark: Any) -> None:
        upper = text.upper()
        if text.isascii() and "KEY" not in upper and "PLUGIN" not in upper:
            return
        if re.search(_PRIVATE_KEY, text):
            self.fail(
                "a private key is where only public recipients belong",
                mark,
                hint="replace it with the public recipient; if the file was ever shared, replace the key too",
            )

    def alias(self, event: Any) -> None:
        self.refuse_private_key(event.anchor, event.start_mark)
        anchored = self.anchors.get(event.anchor)
        if anchored is None:
            self.fail(
                f"the anchor &{event.anchor} is not defined before this alias",
                event.start_mark,
                hint=f"define it further up, as in `- &{event.anchor} age1...`",
            )
        if anchored.node is None:
            self.fail(f"the anchor &{event.anchor} contains itself", event.start_mark)
        self.total += anchored.size
        self.expanded += anchored.size
        if self.expanded > MAX_EXPANSION:
            raise LimitError(
                f"aliases expand to more than {MAX_EXPANSION} values",
                path=self.path,
                line=event.start_mark.line + 1,
            )
        self.limit_depth(anchored.height, event.start_mark)
        self.add(anchored.node, event, anchored.height)

    def open_map(self, event: Any) -> None:
        self.open(event, is_map=True)

    def open_list(self, event: Any) -> None:
        self.open(event, is_map=False)

    def open(self, event: Any, *, is_map: bool) -> None:
        self.limit_depth(1, event.start_mark)
        if self.frames and self.frames[-1].wants_key:
            self.fail("a list or map cannot be a key", event.start_mark)
        if event.anchor:
            self.refuse_private_key(event.anchor, event.start_mark)
            self.anchors[event.anchor] = _Anchored(None)
        self.frames.append(_Frame(event, is_map, self.total))
        self.total += 1

    def close(self, _: Any) -> None:
        frame = self.frames.pop()
        mark, anchor = frame.start.start_mark, frame.start.anchor
        node: Node
        if frame.is_map:
            node = MapNode(self.entries(frame), mark.line + 1, mark.column + 1, anchor)
        else:
            node = ListNode(tuple(frame.children), mark.line + 1, mark.column + 1, anchor)
        if anchor:
            self.anchors[anchor] = _Anchored(node, self.total - frame.total, frame.height)
        self.add(node, frame.start, frame.height)

    def add(self, node: Node, event: Any, height: int) -> None:
        if not self.frames:
            self.add_document(node, event)
            return
        frame = self.frames[-1]
        frame.height = max(frame.height, height + 1)
        if not frame.wants_key:
            frame.children.append(node)
        elif isinstance(node, ScalarNode):
            # As a key, an aliased scalar stands where the alias stands.
            mark = event.start_mark
            frame.keys.append(node._replace(line=mark.line + 1, column=mark.column + 1))
        else:
            self.fail("a list or map cannot be a key", event.start_mark)

    def limit_depth(self, height: int, mark: Any) -> None:
        if len(self.frames) + height > MAX_DEPTH:
            raise self.too_deep(mark)

    def too_deep(self, mark: Any) -> LimitError:
        return LimitError(f"nested deeper than {MAX_DEPTH} levels", path=self.path, line=mark.line + 1)

    def add_document(self, node: Node, event: Any) -> None:
        if self.documents and not (isinstance(node, ScalarNode) and node.kind == "null"):
            self.fail(
                "there is a second YAML document in the file",
                event.start_mark,
                hint="sops reads the first one only: put everything into it",
            )
        self.documents.append(node)
        self.anchors.clear()

    def entries(self, frame: _Frame) -> tuple[tuple[ScalarNode, Node], ...]:
        own: dict[str, tuple[ScalarNode, Node]] = {}
        seen: dict[str, ScalarNode] = {}
        merged: list[MapNode] = []
        for key, value in zip(frame.keys, frame.children, strict=True):
            if key.text in seen:
                shown, line = ascii(key.text[:60]), seen[key.text].line
                self.fail_at(key, f"the key {shown} is in a map twice, first in line {line}")
            seen[key.text] = key
            if key.kind == "merge":
                merged.extend(self.merge_sources(value, key))
            else:
                own[key.text] = (key, value)
        for source in merged:
            for key, value in source.entries:
                own.setdefault(key.text, (key, value))
        return tuple(own.values())

    def merge_sources(self, value: Node, key: ScalarNode) -> list[MapNode]:
        candidates = value.items if isinstance(value, ListNode) else (value,)
        sources = [node for node in candidates if isinstance(node, MapNode)]
        if len(sources) != len(candidates):
            self.fail_at(key, "a merge key (<<) needs a map or a list of maps")
        return sources


# age, SSH, PGP and plugin identities, in any case: bech32 may be written in either.
_PRIVATE_KEY = r"(?i)AGE-SECRET-KEY-|AGE-PLUGIN-[^\s]+-1|PRIVATE KEY"

_SHORT_TAGS = {
    f"tag:yaml.org,2002:{kind}": kind
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "binary", "merge")
}
_WORDS = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"), "null")
    | dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), "bool")
    | dict.fromkeys((".nan", ".NaN", ".NAN"), "float")
    | {sign + word: "float" for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
    | {"<<": "merge"}
)
_NUMBERS = {
    "int": r"(?ia)[-+]?([0-9]+|0x[0-9a-f]+|0b[01]+|0o[0-7]+)",
    "float": r"(?ia)[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?",
}
_STARTS = frozenset("0123456789+-._")
"""What numbers and timestamps begin with. Most scalars begin otherwise, and need no expression."""
_TIMESTAMP = r"(?a)[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"


def _scalar_kind(text: str, tag: str | None, *, plain: bool) -> str:
    """The type that go-yaml gives a scalar; a number beyond 64 bits is still called a number."""
    if tag is not None and tag != "!":
        return _SHORT_TAGS.get(tag, "str")
    if tag == "!" or not plain:
        return "str"
    if text in _WORDS or text[0] not in _STARTS:
        return _WORDS.get(text, "str")
    if re.fullmatch(_TIMESTAMP, text):
        return "timestamp"
    digits = text.replace("_", "")
    for kind, pattern in _NUMBERS.items():
        if re.fullmatch(pattern, digits):
            return kind
    return "str"


def _line_of_unprintable(text: str) -> int | None:
    found = re.search("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    return text.count("\n", 0, found.start()) + 1 if found else None


Entry = tuple[ScalarNode, Node]
Fields = Mapping[str, Entry]
"""The fields of a map by name: the key and the value."""


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads fields as go-yaml decodes them into sops's structs, but says what is wrong and where.

    A null counts as a field that is not there. All methods raise ConfigError for the wrong type.
    """

    path: str

    def fail(self, node: Node, message: str, *, hint: str | None = None) -> NoReturn:
        """Raise a ConfigError at a node's place."""
        raise ConfigError(message, hint=hint, path=self.path, line=node.line, column=node.column)

    def fields(self, node: Node, what: str) -> Fields:
        """The fields of a map; `what` names it in messages."""
        if is_null(node):
            return {}
        if not isinstance(node, MapNode):
            self.fail(node, f"{what} is {kind_of(node)}, expected a map")
        return {key.text: (key, value) for key, value in node.entries}

    def items(self, fields: Fields, name: str, *, hint: str | None = None) -> tuple[Node, ...]:
        """The items of a list."""
        if not is_set(fields, name):
            return ()
        node = fields[name][1]
        if not isinstance(node, ListNode):
            self.fail(node, f"{name} is {kind_of(node)}, expected a list", hint=hint)
        return node.items

    def text(self, fields: Fields, name: str) -> str:
        """A text, or an empty one; as in Go, a number or a boolean stands for its own spelling."""
        if not is_set(fields, name):
            return ""
        node = fields[name][1]
        if not isinstance(node, ScalarNode) or node.kind == "binary":
            self.fail(node, f"{name} is {kind_of(node)}, expected a text")
        return node.text

    def strict_text(self, name: str, node: Node) -> str:
        """A text that is written as one: what a number turns into would not be what was written."""
        if isinstance(node, ListNode):
            self.fail(
                node,
                f"there is a list inside the list {name}",
                hint="aliases cannot join lists: name each recipient, or use key_groups with merge",
            )
        if not isinstance(node, ScalarNode):
            self.fail(node, f"there is a map in {name}, expected a text")
        if node.kind == "null":
            self.fail(node, f"there is an empty entry in {name}", hint="take it out")
        if node.kind != "str":
            self.fail(node, f"there is {kind_of(node)} in {name}, expected a text", hint="put it in quotes")
        return node.text

    def required(self, fields: Fields, name: str, parent: Node) -> str:
        """A text that must be there, without blanks around it."""
        text = self.strict_text(name, fields[name][1]).strip() if name in fields else ""
        if not text:
            self.fail(parent, f"{name} is missing or empty")
        return text

    def number(self, fields: Fields, name: str) -> int | None:
        """A whole decimal number of at most six digits, or None.

        go-yaml also takes `0b10`, `017` and `2.0`; here those are errors.
        """
        if not is_set(fields, name):
            return None
        node = fields[name][1]
        digits = node.text.replace("_", "") if isinstance(node, ScalarNode) and node.kind == "int" else ""
        if not re.fullmatch(r"[-+]?(0|[1-9][0-9]{0,5})", digits, re.ASCII):
            self.fail(node, f"{name} is {kind_of(node)}, expected a small whole number")
        return int(digits)

    def flag(self, fields: Fields, name: str) -> bool:
        """A boolean; where one is wanted, go-yaml also takes the words of YAML 1.1."""
        if not is_set(fields, name):
            return False
        node = fields[name][1]
        words = _FLAGS.get(node.kind, {}) if isinstance(node, ScalarNode) else {}
        if not isinstance(node, ScalarNode) or node.text not in words:
            self.fail(node, f"{name} is {kind_of(node)}, expected true or false")
        return words[node.text]

    def regex(self, fields: Fields, name: str) -> Regex | None:
        """A compiled regular expression; None for an empty one too."""
        pattern = self.text(fields, name)
        if not pattern:
            return None
        try:
            return compile_regex(pattern)
        except RegexError as error:
            self.fail(fields[name][1], f"{name} is not a valid regular expression: {error}", hint=SYNTAX_HINT)


def is_null(node: Node) -> bool:
    """Whether a node is null, such as a key without a value."""
    return isinstance(node, ScalarNode) and node.kind == "null"


def is_set(fields: Fields, name: str) -> bool:
    """Whether a field is there, and not null."""
    return name in fields and not is_null(fields[name][1])


def keys_outside(fields: Fields, known: frozenset[str]) -> Iterator[ScalarNode]:
    """The keys that are not among the known ones."""
    return (key for name, (key, _) in fields.items() if name not in known)


def kind_of(node: Node) -> str:
    """What a node is, for messages that do not show its content."""
    if isinstance(node, ScalarNode):
        return _KINDS[node.kind]
    return "a list" if isinstance(node, ListNode) else "a map"


_KINDS = {
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "a boolean",
    "null": "empty",
    "timestamp": "a date",
    "binary": "binary data",
    "merge": "a merge key",
}

_FLAGS = {
    "bool": dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False),
    "str": dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True)
    | dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
