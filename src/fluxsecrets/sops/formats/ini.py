"""INI as sops knows it: sections of keys whose values are all strings.

What counts as a value follows sops 3.13.2 (stores/ini/store.go), which leaves that to gopkg.in/ini.v1:
`=` and `:` end a key, a backslash at the end of a line continues it, and backticks or three double
quotes hold anything, also several lines. Comments are above their key or behind the value.
The text is kept here, where sops writes the file anew. Deliberate differences, none of which
touches how sops reads the values of a file that was written here:

- sops cuts `q="a;b"` and `p = a#b` at the sign and takes the rest for a comment, which then may stay
  plain. Here a comment starts behind white space, and never inside quotes. Where such a value
  stays plain, sops would compute another MAC: that is an error with the line to mend.
- Of duplicate keys in one section sops keeps the last and loses the others: an error here.
- Text behind a closing quote or a section header is lost in sops: an error here.
- sops drops comments behind the last key; here they belong to the last section, and are encrypted.
- A comment of several lines is one value, as in sops; a blank line in it crashes sops, so a space
  stands for it in the encrypted text.
- sops moves a comment behind a section header above it, and so does encrypting here: a ciphertext ends
  with a bracket, and sops takes the last bracket of the line for the end of the section's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass, field
from typing import cast

from fluxsecrets.errors import FormatError, MetadataError
from fluxsecrets.sops.document import Change, Comment, Data, Document, Entry, Leaf, Mapping, Style
from fluxsecrets.sops.metadata import Metadata, metadata_to_data, parse_metadata
from fluxsecrets.sops.values import Value

from . import Limits
from .flatten import flatten, unflatten
from .spelling import scalar_text
from .text import decode_text, encode_edited

METADATA_SECTION = "sops"
DEFAULT_SECTION = "DEFAULT"
"""The section of keys that stand before the first header."""

# What Go's unicode.IsSpace takes for white space; Python's strip() takes U+001C to U+001F as well.
_WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_SIGNS = "#;"
_COMMENT_SIGN = re.compile(r"(?:^|(?<=[ \t]))[#;]")
_COMMENT_IN_NAME = re.compile(r"\][ \t]*[#;]")
_DELIMITER = re.compile("[=:]")
_CIPHERTEXT_LINE = re.compile(r"[#; ]*ENC\[AES256_GCM,[^\[\]]*\]")
_BLANK_LINE = re.compile(r"^(?=[ \t\r\f\v]*$)", re.MULTILINE)
_PADDED_LINE = re.compile(r"^ (?=[ \t\r\f\v]*$)", re.MULTILINE)
_BACKTICK, _TRIPLE = "`", '"""'
_STYLES = {"": Style.PLAIN, "'": Style.SINGLE_QUOTED, '"': Style.DOUBLE_QUOTED, _BACKTICK: Style.LITERAL}
_NOT_CUT = (_BACKTICK, _TRIPLE)
"""Quotes inside which sops too sees no comments."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """What `rewrite` needs to know beside the tree.

    Attributes:
        bom: a byte order mark stood in front.
        block: span of the `[sops]` section, from its header to the end of its last line.
        header_comments: where comments behind section headers start, with the span to remove and the
            start of the header's line.
    """

    bom: bool
    block: tuple[int, int] | None
    header_comments: MappingABC[int, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class IniFormat:
    """The Format protocol for INI files: a map of sections, each a map of strings.

    In a section, comments stand where sops has them: those of the header first, those above or behind a
    key directly *behind* it. Comment selectors go by that order.
    """

    name: str = "ini"
    suffixes: tuple[str, ...] = (".ini",)
    single_value: bool = False

    def parse(self, data: bytes, limits: Limits) -> Document:
        """Read a plain or an encrypted file; see `Format.parse` for what is raised."""
        source, bom = decode_text(data, limits, "INI")
        reader = _Reader(source)
        reader.read()
        metadata = None
        if reader.block is not None:
            metadata = parse_metadata(unflatten(reader.pairs))
        entries = tuple(section.entry() for section in reader.sections if section.name is not None)
        layout = _Layout(bom, reader.block, reader.header_comments)
        return Document(self.name, source, (Mapping(entries, 0, len(source)),), metadata, layout)

    def rewrite(self, document: Document, changes: SequenceABC[Change], metadata: Metadata | None) -> bytes:
        """New text with the changes applied, and the `[sops]` section added, replaced, or removed (None).

        Raises:
            FormatError: a value that stays plain and that sops reads otherwise, or one that INI can't hold.
        """
        layout = cast("_Layout", document.layout)
        if metadata is not None:
            changed = {change.target.start for change in changes}
            for leaf in document.leaves:
                if leaf.start not in changed:
                    _check_plain(document.source, leaf)
        edits: list[tuple[int, int, str]] = []
        for change in changes:
            edits += _change_edits(document.source, layout, change, strict=metadata is not None)
        edits += _block_edits(document.source, layout, metadata)
        return encode_edited(document.source, edits, bom=layout.bom)

    def render(self, parts: SequenceABC[Data]) -> bytes:
        """Plain data as sections, with aligned keys as sops writes them.

        Raises:
            FormatError: not exactly one map of maps of scalars, or a name that INI can't hold.
        """
        if len(parts) != 1 or not isinstance(parts[0], MappingABC):
            raise FormatError("INI holds exactly one map of sections", hint="write YAML or JSON")
        sections = []
        for number, (name, section) in enumerate(parts[0].items()):
            if not isinstance(section, MappingABC):
                raise FormatError(
                    f"INI holds maps of scalars, and {name!a} is none", hint="write YAML or JSON"
                )
            texts = {key: _scalar(key, value) for key, value in section.items()}
            header = "" if name == DEFAULT_SECTION and not number else f"{_header(name)}\n"
            sections.append(header + _section_text(texts, "\n"))
        return "\n".join(sections).encode()


# Reading


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class _Text:
    """A value as it stands in the file.

    Attributes:
        value: the value.
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
    keys: set[str] = field(default_factory=set)
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


class _Reader:
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
                if sign in _SIGNS:
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
        if _COMMENT_IN_NAME.search(name):
            # The last bracket of the line ends the name (gopkg.in/ini.v1: parser.go).
            raise self._fail(
                "a comment with a bracket behind a section header, which sops makes part of the name",
                "move the comment to a line of its own",
            )
        behind = _trimmed(self.source, start + close + 1, end)
        if behind[0] < behind[1] and self.source[behind[0]] not in _SIGNS:
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
        text = _read_text(self.source, position, self.line)
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
        section.keys.add(name)
        line = self.line + self.source.count("\n", self.position, text.start)
        style = _STYLES.get(text.quote, Style.LITERAL)
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
        if self.source.startswith(_TRIPLE, start) and end - start > 5:
            quote = _TRIPLE
        elif self.source[start] in '"`':
            quote = self.source[start]
        begin = start + len(quote)
        close = self.source.find(quote, begin, end) if quote else start
        delimiter = _DELIMITER.search(self.source, close + len(quote), end) if close >= 0 else None
        if delimiter is None:
            raise self._fail("a line that is no key, section or comment", "write key = value")
        span = _trimmed(self.source, begin, close if quote else delimiter.start())
        if span[0] >= span[1]:
            raise self._fail("a key without a name", "write key = value")
        return self.source[slice(*span)], span, delimiter.end()

    def _fail(self, message: str, hint: str) -> FormatError:
        return FormatError(f"not valid INI: {message}", line=self.line, hint=hint)


def _trimmed(source: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at both ends; an empty one ends where it starts."""
    text = source[start:end]
    start = end - len(text.lstrip(_WHITE))
    return start, max(start, end - (len(text) - len(text.rstrip(_WHITE))))


def _comments(source: str, lines: SequenceABC[_Span], section: str, *, inline: bool = False) -> list[Comment]:
    """Comment lines that sops joins, as one comment; ciphertexts stay apart, whatever was put around them."""
    groups: list[list[_Span]] = []
    fresh = True
    for line in lines:
        encrypted = _CIPHERTEXT_LINE.fullmatch(source, line.start, line.end) is not None
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


def _read_text(source: str, position: int, line: int) -> _Text:
    """Read a value that starts behind a delimiter (gopkg.in/ini.v1: `readValue`)."""
    line_end = source.find("\n", position)
    line_end = len(source) if line_end < 0 else line_end
    start, end = _trimmed(source, position, line_end)
    if start >= end:
        place = position + source.startswith((" ", "\t"), position, line_end)
        return _Text("", place, place, "", None, line_end + 1)
    if source.startswith(_TRIPLE, start) and (line_end - start > 3 or line_end < len(source)):
        return _read_quoted(source, start, _TRIPLE, line)
    if source[start] == _BACKTICK:
        return _read_quoted(source, start, _BACKTICK, line)
    return _read_unquoted(source, start, end, line_end)


def _read_unquoted(source: str, start: int, end: int, line_end: int) -> _Text:
    """Read a value that may have a comment behind it, single or double quotes, or a backslash at its end."""
    if source[end - 1] == "\\":
        return _read_continued(source, start, end, line_end)
    if source[start] in "'\"":
        close = source.find(source[start], start + 1, end)
        behind = _trimmed(source, close + 1, end)
        if close > 0 and (behind[0] >= behind[1] or source[behind[0]] in _SIGNS):
            comment = behind if behind[0] < behind[1] else None
            return _Text(source[start + 1 : close], start + 1, close, source[start], comment, line_end + 1)
    sign = _COMMENT_SIGN.search(source[start:end])
    if sign is None:
        return _Text(source[start:end], start, end, "", None, line_end + 1)
    value = source[start : start + sign.start()].rstrip(_WHITE)
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
                if behind[0] < behind[1] and source[behind[0]] not in _SIGNS:
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


# Writing


def _check_plain(source: str, leaf: Leaf) -> None:
    text = cast("str", leaf.value)
    # A continued value differs from its text, and sops looks for no comments in it either.
    continued = source[leaf.start : leaf.end] != text
    if leaf.style is not Style.LITERAL and not continued and any(sign in text for sign in _SIGNS):
        raise FormatError(
            f"the value of {leaf.path[-1]!a} stays plain and holds a # or ;, where sops would cut it",
            line=leaf.line,
            hint="put the value in backticks",
        )


def _change_edits(
    source: str, layout: _Layout, change: Change, *, strict: bool
) -> list[tuple[int, int, str]]:
    target, text = change.target, scalar_text(change.value)
    if isinstance(target, Leaf):
        quote = _quote_of(source, target)
        start, end = target.start - len(quote), target.end + len(quote)
        line_end = source.find("\n", end)
        rest = source[end : len(source) if line_end < 0 else line_end]
        return [(start, end, _spell(text, quote, rest, ascii(target.path[-1]), strict=strict))]
    text = _PADDED_LINE.sub("", text) if "\n" in text else text
    if change.encrypted and target.start in layout.header_comments:
        # A ciphertext ends with a bracket, and the last bracket of the line ends the section's name.
        start, end, line_start = layout.header_comments[target.start]
        return [(line_start, line_start, f"; {text}{_newline(source)}"), (start, end, "")]
    if any(line.strip(_WHITE)[:1] not in ("", *_SIGNS) for line in text.split("\n")[1:]):
        raise FormatError("a comment of several lines holds a line that is no comment", line=target.line)
    return [(target.start, target.end, text)]


def _quote_of(source: str, leaf: Leaf) -> str:
    if leaf.style is Style.LITERAL:
        return _BACKTICK if source[leaf.start - 1] == _BACKTICK else _TRIPLE
    return next(quote for quote, style in _STYLES.items() if style is leaf.style)


def _spell(text: str, kept: str, rest: str, what: str, *, strict: bool) -> str:
    """A value with the quotes that it needs, preferably those it had.

    Args:
        text: the value.
        kept: the quotes to try first.
        rest: what follows on the line.
        what: names it in messages.
        strict: sops will read it too.
    """
    for quote in (kept, "", _BACKTICK, _TRIPLE, '"', "'"):
        cut = quote not in _NOT_CUT and any(sign in text for sign in _SIGNS)
        spelled = f"{quote}{text}{quote}"
        if not (cut and (strict or quote != kept)) and _reads_as(spelled, rest, text):
            return spelled
    raise FormatError(
        f"the value of {what} can't be written in an INI file", hint="keep it in a YAML or JSON file"
    )


def _reads_as(spelled: str, rest: str, text: str) -> bool:
    line = f"{spelled}{rest}\n"
    try:
        result = _read_text(line + "\n", 0, 1)
    except FormatError:
        return False
    comment = None if result.comment is None else line[slice(*result.comment)]
    return result.value == text and result.next == len(line) and (comment or "") == rest.strip(_WHITE)


def _newline(source: str) -> str:
    end = source.find("\n")
    return "\r\n" if end > 0 and source[end - 1] == "\r" else "\n"


def _block_edits(source: str, layout: _Layout, metadata: Metadata | None) -> list[tuple[int, int, str]]:
    newline = _newline(source)
    if layout.block is None:
        if metadata is None:
            return []
        text = _block_text(metadata, newline)
        if source:
            # No final line feed in the file, none behind the block: so removing it restores the file.
            text = newline + text if source.endswith("\n") else newline * 2 + text.removesuffix(newline)
        return [(len(source), len(source), text)]
    start, end = layout.block
    open_end = end == len(source) and not source.endswith("\n")
    if metadata is not None:
        text = _block_text(metadata, newline)
        return [(start, end, text.removesuffix(newline) if open_end else text)]
    blank = re.search(r"(?:\A|(?<=\n))\r?\n\Z", source[max(start - 3, 0) : start]) if start else None
    if blank is not None and (start > 3 or blank.start() or start == len(blank[0])):
        start -= len(blank[0])
    if open_end and source.endswith("\n", 0, start):
        start -= 2 if source.endswith("\r\n", 0, start) else 1
    return [(start, end, "")]


def _block_text(metadata: Metadata, newline: str) -> str:
    return f"[{METADATA_SECTION}]{newline}" + _section_text(flatten(metadata_to_data(metadata)), newline)


def _section_text(texts: MappingABC[str, str], newline: str) -> str:
    lines = {
        _spell_name(name): _spell(text, "", "", ascii(name), strict=True) for name, text in texts.items()
    }
    width = max(map(len, lines), default=0)
    return "".join(f"{name:<{width}} = {text}".rstrip(" ") + newline for name, text in lines.items())


def _spell_name(name: str) -> str:
    """A key with the quotes that it needs (gopkg.in/ini.v1: file.go)."""
    quote = ""
    if '"' in name or _DELIMITER.search(name) or name[:1] in ("[", *_SIGNS):
        quote = _BACKTICK
    elif _BACKTICK in name:
        quote = _TRIPLE
    if not name or name.strip(_WHITE) != name or "\n" in name or name == "-" or (quote and quote in name):
        raise FormatError(f"{name!a} can't be a key in an INI file", hint="write YAML or JSON")
    return f"{quote}{name}{quote}"


def _header(name: str) -> str:
    if not name or name == METADATA_SECTION or "\n" in name or _COMMENT_IN_NAME.search(name):
        raise FormatError(f"{name!a} can't be a section of an INI file", hint="write YAML or JSON")
    return f"[{name}]"


def _scalar(key: str, value: Data) -> str:
    if isinstance(value, MappingABC | list):
        raise FormatError(f"INI holds no deeper nesting, and {key!a} is nested", hint="write YAML or JSON")
    scalar: Value = value
    return scalar_text(scalar)
