"""Texts with `${…}` as a tree.

Follows parse/scan.go and parse/parse.go of fluxcd/pkg's envsubst, with its error texts. There a token is read
from characters that an accept function takes; here each kind of token has a method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.records import dataclass

MAX_DEPTH: Final = 100
"""Levels of `${…}` within `${…}`. Go has no limit that matters; nobody writes more."""

BAD_SUBSTITUTION = "bad substitution"
MISSING_BRACE = "missing closing brace"
NO_NAME = "unable to parse variable name"
NO_ARGUMENT = "unable to parse substitution within function"

_AFTER_COLON = ("=", "-", "?", "+")
_DEFAULTS = frozenset({":=", ":-", ":?", ":+", "="})


@dataclass(frozen=True, slots=True)
class Call:
    """One `${…}`: the variable, the function ("" for none) and its arguments."""

    variable: str
    function: str = ""
    arguments: tuple[Node, ...] = ()


Node = str | Call


def parse(text: str) -> tuple[Node, ...]:
    """Read a text.

    Raises:
        FormatError: a `${` that envsubst refuses. The message is its own.
        LimitError: too many levels.
    """
    # For the scanner a NUL is the end.
    return tuple(_Parser(text.partition("\0")[0]).nodes())


def has_default(call: Call) -> bool:
    """Whether a variable may have no value there, in strict mode too."""
    return call.function in _DEFAULTS


def calls(nodes: tuple[Node, ...]) -> Iterator[Call]:
    """Every `${…}`, the inner ones first."""
    for node in nodes:
        if isinstance(node, Call):
            yield from calls(node.arguments)
            yield node


def _is_name(character: str) -> bool:
    return character.isalpha() or character.isdecimal() or character == "_"


class _Parser:
    """A text, and how far it is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    # The scanner.

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def opens(self) -> bool:
        return self.text.startswith("${", self.at)

    def run(self, accept: Callable[[str], bool], error: str) -> str:
        """The characters that are accepted; at least one."""
        start = self.at
        while self.at < len(self.text) and accept(self.text[self.at]):
            self.at += 1
        if self.at == start:
            raise FormatError(error)
        return self.text[start : self.at]

    def argument(self, ends: str, *, escapes: bool = False) -> str:
        r"""A text up to one of these characters, or to the next `${`.

        With escapes, `$$`, `\/` and `\\` are their second character, even where that would end it.
        """
        pieces: list[str] = []
        start = self.at
        while self.at < len(self.text) and not self.opens():
            character = self.text[self.at]
            following = self.text[self.at + 1 : self.at + 2]
            if escapes and following and (character + following) in ("$$", "\\/", "\\\\"):
                pieces.append(self.text[start : self.at])
                start = self.at + 1
                self.at += 2
            elif character in ends:
                break
            else:
                self.at += 1
        if self.at == start and not pieces:
            raise FormatError(NO_ARGUMENT)
        return "".join((*pieces, self.text[start : self.at]))

    def close(self) -> None:
        if self.peek() != "}":
            raise FormatError(BAD_SUBSTITUTION)
        self.at += 1

    # The parser.

    def nodes(self) -> Iterator[Node]:
        while self.at < len(self.text):
            if self.opens():
                self.at += 2
                yield self.call(1)
            else:
                yield self.plain()

    def plain(self) -> str:
        """Text up to the next `${`; `$$` is `$` in it."""
        pieces: list[str] = []
        start = self.at
        while True:
            found = self.text.find("$", self.at)
            following = self.text[found + 1 : found + 2] if found >= 0 else ""
            if found < 0:
                self.at = len(self.text)
            elif following == "$":
                pieces.append(self.text[start:found])
                start, self.at = found + 1, found + 2
                continue
            elif following == "{":
                self.at = found
            else:
                self.at = found + 1
                continue
            return "".join((*pieces, self.text[start : self.at]))

    def call(self, depth: int) -> Call:
        """What follows `${`."""
        if depth > MAX_DEPTH:
            raise LimitError(f"variables are nested more than {MAX_DEPTH} levels deep")
        if self.peek() == "#":
            self.at += 1
            return self.closed(self.run(_is_name, BAD_SUBSTITUTION), "#")
        name = self.run(_is_name, NO_NAME)
        following = self.peek()
        if following == "=" or (following == ":" and self.text[self.at + 1 : self.at + 2] in _AFTER_COLON):
            return self.default(name, depth)
        if following == ":":
            return self.part(name, depth)
        if following == "/":
            return self.replacing(name, depth)
        return self.simple(name, following, depth)

    def simple(self, name: str, following: str, depth: int) -> Call:
        """What ends at once, changes case, or trims."""
        if following in (",", "^"):
            return self.closed(name, self.function(",^", 2))
        if following in ("#", "%"):
            function = self.function(following, 2)
            argument = self.parameter("}", depth)
            return self.closed(name, function, argument)
        if following != "}":
            raise FormatError(MISSING_BRACE)
        return self.closed(name, "")

    def function(self, characters: str, length: int) -> str:
        start = self.at
        while self.at < start + length and self.peek() and self.peek() in characters:
            self.at += 1
        return self.text[start : self.at]

    def closed(self, name: str, function: str, *arguments: Node) -> Call:
        self.close()
        return Call(name, function, arguments)

    def parameter(self, ends: str, depth: int, *, escapes: bool = False) -> Node:
        if self.opens():
            self.at += 2
            return self.call(depth + 1)
        return self.argument(ends, escapes=escapes)

    def default(self, name: str, depth: int) -> Call:
        length = 2 if self.peek() == ":" else 1
        function = self.text[self.at : self.at + length]
        self.at += length
        arguments: list[Node] = []
        while self.peek() != "}":
            arguments.append(self.parameter("}", depth))
        return self.closed(name, function, *arguments)

    def part(self, name: str, depth: int) -> Call:
        """`${name:offset}` and `${name:offset:length}`."""
        following = self.text[self.at + 1 : self.at + 2]
        if len(following.encode("utf-8", "surrogateescape")) != 1:
            # The scanner looks ahead, and goes back by the width of what it saw.
            raise FormatError(BAD_SUBSTITUTION)
        self.at += 1
        offset = self.parameter(":}", depth)
        if self.peek() == "}":
            return self.closed(name, ":", offset)
        self.run(lambda character: character == ":", BAD_SUBSTITUTION)
        return self.closed(name, ":", offset, self.parameter("}", depth))

    def replacing(self, name: str, depth: int) -> Call:
        """`${name/old/new}`, with `//` for all, `/#` at the start, `/%` at the end."""
        function = "/"
        self.at += 1
        if self.peek() and self.peek() in "/#%":
            function += self.peek()
            self.at += 1
        old = self.parameter("/", depth, escapes=True)
        self.run(lambda character: character == "/", BAD_SUBSTITUTION)
        if self.peek() == "}":
            return self.closed(name, function, old)
        return self.closed(name, function, old, self.parameter("}", depth, escapes=True))
