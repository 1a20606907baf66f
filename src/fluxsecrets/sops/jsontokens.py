"""JSON as tokens, strictly as RFC 8259 has them; `formats.json_read` and the scanner make trees of them."""

from __future__ import annotations

import re

from fluxsecrets.errors import FormatError

from .values import line_and_column

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
STRING, NUMBER, WORD, SIGN = 1, 2, 3, 4
"""The kinds of tokens."""


class JsonScanner:
    """Gives one token after the other, with its place.

    Attributes:
        kind, text: of the current token; a string's text is taken with `string`.
        start, end: its span.
        line: where it starts, from 1.
    """

    __slots__ = ("end", "kind", "line", "source", "start", "text")

    def __init__(self, source: str) -> None:
        """Take the text."""
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
        self.text = "" if self.kind == STRING else match[self.kind]
        return self.text

    def at_end(self) -> bool:
        """Whether only white space is left."""
        return self.rest() == len(self.source)

    def string(self) -> str:
        """The current token, which is a string, decoded."""
        text = self.source[self.start + 1 : self.end - 1]
        if "\\" not in text:
            return text
        from json import loads  # few strings have escapes, and the commit hook pays for every import

        value = str(loads(f'"{text}"'))
        if _SURROGATE.search(value):
            raise self.fail("a string holds half of a surrogate pair", self.start)
        return value

    def rest(self) -> int:
        """Where the text behind the current token starts, white space left out."""
        match = _SPACE.match(self.source, self.end)
        return match.end() if match is not None else self.end

    def fail(self, message: str, offset: int, hint: str | None = None) -> FormatError:
        """The error for a place."""
        line, column = line_and_column(self.source, offset)
        return FormatError(f"not valid JSON: {message}", line=line, column=column, hint=hint)

    def unexpected(self, wanted: str) -> FormatError:
        """The error for the current token."""
        return self.fail(f"expected {wanted}", self.start)

    def unreadable(self) -> FormatError:
        """The error for text that is not a token."""
        offset = self.rest()
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
