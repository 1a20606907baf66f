"""Reads INI as gopkg.in/ini.v1 does it for sops, with the place of every value; `ini` says what differs."""

from __future__ import annotations

import re
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass, field

from fluxsecrets.errors import FormatError, MetadataError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.sops.document import Comment, Entry, Leaf, Mapping, Style

METADATA_SECTION = "sops"
DEFAULT_SECTION = "DEFAULT"
"""The section of keys that stand before the first header."""

# What Go's unicode.IsSpace takes for white space; Python's strip() takes U+001C to U+001F as well.
WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
SIGNS = "#;"
_COMMENT_SIGN = re.compile(r"(?:^|(?<=[ \t]))[#;]")
COMMENT_IN_NAME = re.compile(r"\][ \t]*[#;]")
DELIMITER = re.compile("[=:]")
_BLANK_LINE = re.compile(r"^(?=[ \t\r\f\v]*$)", re.MULTILINE)
BACKTICK, TRIPLE = "`", '"""'
STYLES = {"": Style.PLAIN, "'": Style.SINGLE_QUOTED, '"': Style.DOUBLE_QUOTED, BACKTICK: Style.LITERAL}


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class _Text:
    """A value as it stands in the file.

    Attributes:
        start, end: its span, inside the quotes.
        quote: one of an empty string, ', ", a backtick, or three double quotes.
        comment: span of a comment behind it, with its sign, or None.
        next: where the next line starts.
    """

    value: str
    start: int
    end: int
    quote: str
    comment: tuple[int, int] | None
    next: int


@dataclass(slots=True)
class _Section:
    """A section that is being read; without a name where nothing stands before the first header."""

    name: str | None
    start: int
    end: int
    line: int
    entries: list[Entry | Comment] = field(default_factory=list)
    keys: dict[str, None] = field(default_factory=dict)  # for thousands a set takes three times the memory
    counter: int = 1

    def entry(self) -> Entry:
        spans = [
            (item.value.start, item.value.end) if isinstance(item, Entry) else (item.start, item.end)
            for item in self.entries
        ]
        start = min((span[0] for span in spans), default=self.end)
        end = max((span[1] for span in spans), default=self.end)
        return Entry(
            self.name or DEFAULT_SECTION,
            Mapping(tuple(self.entries), start, end),
            self.start,
            self.end,
            self.line,
        )


class Reader:
    """Reads line by line; `sections` holds all but the `[sops]` one."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.line = 1
        self.sections: list[_Section] = [_Section(None, 0, 0, 1)]
        self.block: tuple[int, int] | None = None
        self.pairs: list[tuple[str, str]] = []
        self.header_comments: dict[int, tuple[int, int, int]] = {}
        self._in_block = False
        self._pending: list[_Span] = []

    def read(self) -> None:
        """Read all of the source."""
        while self.position < len(self.source):
            start, end = _trimmed(self.source, self.position, self._line_end())
            following = self._line_end() + 1
            if start < end:
                sign = self.source[start]
                if sign in SIGNS:
                    self._pending.append(_Span(start, end, self.line))
                elif sign == "[":
                    self._read_header(start, end)
                else:
                    following = self._read_key(start)
            self.line += self.source.count("\n", self.position, min(following, len(self.source)))
            self.position = following
        self._flush_comments()

    def _line_end(self) -> int:
        end = self.source.find("\n", self.position)
        return len(self.source) if end < 0 else end

    def _flush_comments(self) -> None:
        """Give the comments that were read to the last section."""
        section = self.sections[-1]
        comments = _comments(self.source, self._pending, section.name or DEFAULT_SECTION)
        if comments:
            section.name = section.name or DEFAULT_SECTION
            section.entries += comments
        self._pending = []

    def _read_header(self, start: int, end: int) -> None:
        line = self.source[start:end]
        close = line.rfind("]")
        name = line[1:close] if close > 0 else ""
        if not name:
            raise self._fail("a section header without a name or a closing bracket", "write [name]")
        if COMMENT_IN_NAME.search(name):
            # The last bracket of the line ends the name (gopkg.in/ini.v1: parser.go).
            raise self._fail(
                "a comment with a bracket behind a section header, which sops makes part of the name",
                "move the comment to a line of its own",
            )
        behind = _trimmed(self.source, start + close + 1, end)
        if behind[0] < behind[1] and self.source[behind[0]] not in SIGNS:
            raise self._fail("text behind a section header", "put it on a line of its own")
        if name == METADATA_SECTION:
            if self.block is not None:
                raise MetadataError("there are two [sops] sections", line=self.line)
            # Comments in front of it are what trails the section before.
            self._flush_comments()
            self._in_block = True
            self.block = (self.position, min(self._line_end() + 1, len(self.source)))
            return
        self._in_block = False
        section = _Section(name, start + 1, start + close, self.line)
        section.entries += _comments(self.source, self._pending, name)
        self._pending = []
        for comment in _comments(self.source, [_Span(*behind, self.line)], name, inline=True):
            section.entries.append(comment)
            self.header_comments[comment.start] = (start + close + 1, behind[1], self.position)
        self.sections.append(section)

    def _read_key(self, start: int) -> int:
        name, name_span, position = self._read_name(start)
        text = read_text(self.source, position, self.line)
        if self._in_block:
            assert self.block is not None  # noqa: S101 - set with the header
            self.pairs.append((name, text.value))
            self.block = (self.block[0], min(text.next, len(self.source)))
            self._pending = []
            return text.next
        section = self.sections[-1]
        section.name = section.name or DEFAULT_SECTION
        if name == "-":
            name = f"#{section.counter}"
            section.counter += 1
        if name in section.keys:
            raise self._fail(
                f"the key {name!a} is there twice in section {section.name!a}",
                "keep one of the two: sops would lose the other",
            )
        section.keys[name] = None
        line = self.line + self.source.count("\n", self.position, text.start)
        style = STYLES.get(text.quote, Style.LITERAL)
        leaf = Leaf((section.name, name), text.value, text.start, text.end, line, style)
        section.entries.append(Entry(name, leaf, *name_span, self.line))
        section.entries += _comments(self.source, self._pending, section.name)
        self._pending = []
        if text.comment is not None:
            line += self.source.count("\n", text.start, text.comment[0])
            section.entries += _comments(self.source, [_Span(*text.comment, line)], section.name, inline=True)
        return text.next

    def _read_name(self, start: int) -> tuple[str, tuple[int, int], int]:
        """A key's name, its span, and where the value starts (gopkg.in/ini.v1: `readKeyName`)."""
        end = self._line_end()
        quote = ""
        if self.source.startswith(TRIPLE, start) and end - start > 5:
            quote = TRIPLE
        elif self.source[start] in '"`':
            quote = self.source[start]
        begin = start + len(quote)
        close = self.source.find(quote, begin, end) if quote else start
        delimiter = DELIMITER.search(self.source, close + len(quote), end) if close >= 0 else None
        if delimiter is None:
            raise self._fail("a line that is not a key, section or comment", "write key = value")
        span = _trimmed(self.source, begin, close if quote else delimiter.start())
        if span[0] >= span[1]:
            raise self._fail("a key without a name", "write key = value")
        return self.source[slice(*span)], span, delimiter.end()

    def _fail(self, message: str, hint: str) -> FormatError:
        return FormatError(f"not valid INI: {message}", line=self.line, hint=hint)


def _trimmed(source: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at both ends; an empty one ends where it starts."""
    text = source[start:end]
    start = end - len(text.lstrip(WHITE))
    return start, max(start, end - (len(text) - len(text.rstrip(WHITE))))


def _comments(source: str, lines: SequenceABC[_Span], section: str, *, inline: bool = False) -> list[Comment]:
    """Comment lines that sops joins, as one comment; ciphertexts stay apart, whatever was put around them."""
    groups: list[list[_Span]] = []
    fresh = True
    for line in lines:
        encrypted = is_ciphertext(source[line.start : line.end].lstrip(f"{SIGNS} "))
        if fresh or encrypted:
            groups.append([])
        groups[-1].append(line)
        fresh = encrypted
    comments = []
    for group in groups:
        start, end = group[0].start, group[-1].end
        if start == end:
            continue
        # sops: stores/ini/store.go, `stripCommentChar`.
        text = source[start:end].lstrip(f"{source[start]} ")
        if text:
            padded = _BLANK_LINE.sub(" ", text)
            comments.append(Comment((section,), padded, end - len(text), end, group[0].line, inline))
    return comments


def read_text(source: str, position: int, line: int) -> _Text:
    """Read a value that starts behind a delimiter (gopkg.in/ini.v1: `readValue`)."""
    line_end = source.find("\n", position)
    line_end = len(source) if line_end < 0 else line_end
    start, end = _trimmed(source, position, line_end)
    if start >= end:
        place = position + source.startswith((" ", "\t"), position, line_end)
        return _Text("", place, place, "", None, line_end + 1)
    if source.startswith(TRIPLE, start) and (line_end - start > 3 or line_end < len(source)):
        return _read_quoted(source, start, TRIPLE, line)
    if source[start] == BACKTICK:
        return _read_quoted(source, start, BACKTICK, line)
    return _read_unquoted(source, start, end, line_end)


def _read_unquoted(source: str, start: int, end: int, line_end: int) -> _Text:
    """Read a value that may have a comment behind it, single or double quotes, or a backslash at its end."""
    if source[end - 1] == "\\":
        return _read_continued(source, start, end, line_end)
    if source[start] in "'\"":
        close = source.find(source[start], start + 1, end)
        behind = _trimmed(source, close + 1, end)
        if close > 0 and (behind[0] >= behind[1] or source[behind[0]] in SIGNS):
            comment = behind if behind[0] < behind[1] else None
            return _Text(source[start + 1 : close], start + 1, close, source[start], comment, line_end + 1)
    sign = _COMMENT_SIGN.search(source[start:end])
    if sign is None:
        return _Text(source[start:end], start, end, "", None, line_end + 1)
    value = source[start : start + sign.start()].rstrip(WHITE)
    return _Text(value, start, start + len(value), "", (start + sign.start(), end), line_end + 1)


def _read_quoted(source: str, start: int, quote: str, line: int) -> _Text:
    """Read up to the last such quote of a line, over several lines where the first has none."""
    begin = position = start + len(quote)
    first = True
    while position <= len(source):
        line_end = source.find("\n", position)
        line_end = len(source) if line_end < 0 else line_end
        close = source.rfind(quote, position, line_end)
        if close >= 0:
            behind = _trimmed(source, close + len(quote), line_end)
            continued = not first and behind[0] < behind[1] and source[behind[1] - 1] == "\\"
            if not continued:
                if behind[0] < behind[1] and source[behind[0]] not in SIGNS:
                    raise FormatError(
                        "not valid INI: text behind a closing quote",
                        line=line + source.count("\n", start, close),
                        hint="put comments there only, with # or ; in front",
                    )
                comment = behind if behind[0] < behind[1] else None
                return _Text(source[begin:close], begin, close, quote, comment, line_end + 1)
        position, first = line_end + 1, False
    raise FormatError("not valid INI: a quote is never closed", line=line, hint=f"close it with {quote}")


def _read_continued(source: str, start: int, end: int, line_end: int) -> _Text:
    """Read a value that goes on behind a backslash; comments are not looked for in one."""
    pieces = [source[start : end - 1]]
    position = line_end + 1
    while position < len(source):
        line_end = source.find("\n", position)
        line_end = len(source) if line_end < 0 else line_end
        span = _trimmed(source, position, line_end)
        position = line_end + 1
        if span[0] >= span[1]:
            break
        piece = source[slice(*span)]
        pieces.append(piece.removesuffix("\\"))
        end = span[1]
        if not piece.endswith("\\"):
            break
    return _Text("".join(pieces), start, end, "", None, position)
