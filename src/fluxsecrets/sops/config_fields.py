"""Typed fields out of placed YAML nodes, with messages that name the field and its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from fluxsecrets.errors import ConfigError

from .placed_yaml import ListNode, MapNode, Node, ScalarNode
from .regex import SYNTAX_HINT, Regex, RegexError, compile_regex

Entry = tuple[ScalarNode, Node]
Fields = Mapping[str, Entry]
"""The fields of a map by name: the key and the value."""


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads fields as go-yaml decodes them into sops's structs, but says what is wrong and where.

    A null counts as a field that is not there. All methods raise ConfigError for the wrong type.

    Attributes:
        path: the file's name, for messages.
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
            self.fail(node, f"{what} is {kind_of(node)}, a map is meant")
        return {key.text: (key, value) for key, value in node.entries}

    def items(self, fields: Fields, name: str, *, hint: str | None = None) -> tuple[Node, ...]:
        """The items of a list."""
        if not is_set(fields, name):
            return ()
        node = fields[name][1]
        if not isinstance(node, ListNode):
            self.fail(node, f"{name} is {kind_of(node)}, a list is meant", hint=hint)
        return node.items

    def text(self, fields: Fields, name: str) -> str:
        """A text, or an empty one; as in Go, a number or a boolean stands for its own spelling."""
        if not is_set(fields, name):
            return ""
        node = fields[name][1]
        if not isinstance(node, ScalarNode) or node.kind == "binary":
            self.fail(node, f"{name} is {kind_of(node)}, a text is meant")
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
            self.fail(node, f"there is a map in {name}, a text is meant")
        if node.kind == "null":
            self.fail(node, f"there is an empty entry in {name}", hint="take it out")
        if node.kind != "str":
            self.fail(node, f"there is {kind_of(node)} in {name}, a text is meant", hint="put it in quotes")
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
            self.fail(node, f"{name} is {kind_of(node)}, a small whole number is meant")
        return int(digits)

    def flag(self, fields: Fields, name: str) -> bool:
        """A boolean; where one is wanted, go-yaml also takes the words of YAML 1.1."""
        if not is_set(fields, name):
            return False
        node = fields[name][1]
        words = _FLAGS.get(node.kind, {}) if isinstance(node, ScalarNode) else {}
        if not isinstance(node, ScalarNode) or node.text not in words:
            self.fail(node, f"{name} is {kind_of(node)}, true or false is meant")
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
