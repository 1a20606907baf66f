"""INI as sops knows it: sections of keys whose values are all strings.

What counts as a value follows sops 3.13.2 (stores/ini/store.go), which leaves that to gopkg.in/ini.v1:
`=` and `:` end a key, a backslash at the end of a line continues it, and backticks or three double
quotes hold anything, also several lines. Comments are above their key or behind the value.
The text is kept here, where sops writes the file anew. Deliberate differences, none of which
touches how sops reads the values of a file that was written here:

- sops cuts `q="a;b"` and `p = a#b` at the sign and takes the rest for a comment, which then may stay
  plain. Here a comment starts behind white space, and never inside quotes. Where such a value
  stays plain, sops would compute another MAC: that is an error with the line to fix. A value that is
  written has backticks there, as sops writes it.
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
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass
from typing import ClassVar, cast

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import Change, Data, Document, Entry, Leaf, Mapping, Path, Style, find
from fluxsecrets.sops.metadata import Metadata, metadata_to_data, parse_metadata
from fluxsecrets.sops.values import Value, scalar_text

from . import (
    Changer,
    Edit,
    Format,
    Limits,
    StoresConfig,
    decode_text,
    encode_edited,
    line_end,
    line_start,
    mapped,
    newline_of,
    only_entry,
    with_comments_above,
)
from .flatten import flatten, unflatten
from .ini_read import (
    BACKTICK,
    COMMENT_IN_NAME,
    DEFAULT_SECTION,
    DELIMITER,
    METADATA_SECTION,
    SIGNS,
    STYLES,
    TRIPLE,
    WHITE,
    Reader,
    read_text,
)

_PADDED_LINE = re.compile(r"^ (?=[ \t\r\f\v]*$)", re.MULTILINE)
_NOT_CUT = (BACKTICK, TRIPLE)
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


class IniFormat(Format):
    """INI files: a map of sections, each a map of strings.

    In a section, comments stand where sops has them: those of the header first, those above or behind a
    key directly *behind* it. Comment selectors go by that order.
    """

    name: ClassVar[str] = "ini"
    levels: ClassVar[int | None] = 2
    comment_sign: ClassVar[str] = ";"
    example: ClassVar[MappingABC[str, Data]] = {"section": {"key": "value"}}

    def parse(self, data: bytes, limits: Limits) -> Document:
        """Read a plain or an encrypted file; see `Format.parse` for what is raised."""
        source, bom = decode_text(data, limits, "INI")
        reader = Reader(source)
        reader.read()
        metadata = None
        if reader.block is not None:
            metadata = parse_metadata(unflatten(reader.pairs))
        entries = tuple(section.entry() for section in reader.sections if section.name is not None)
        layout = _Layout(bom, reader.block, reader.header_comments)
        return Document(self.name, source, (Mapping(entries, 0, len(source)),), metadata, layout)

    def rewrite(self, document: Document, changes: Iterable[Change], metadata: Metadata | None) -> bytes:
        """New text with the changes applied, and the `[sops]` section added, replaced, or removed (None).

        Raises:
            FormatError: a value that stays plain and that sops reads otherwise, or one that INI can't hold.
        """
        layout = cast("_Layout", document.layout)
        edits: list[Edit] = []
        changed: dict[int, None] = {}
        for change in changes:
            changed[change.target.start] = None
            edits += _change_edits(document.source, layout, change)
        if metadata is not None:
            for leaf in document.leaves:
                if leaf.start not in changed:
                    _check_plain(document.source, leaf)
        del changed
        edits += _block_edits(document.source, layout, metadata)
        return encode_edited(document.source, edits, bom=layout.bom)

    def written(self, parts: SequenceABC[Data]) -> bytes:
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

    def read(self, data: bytes) -> list[Data]:
        """What plain text holds; see `Format.read`."""
        return [_without_empty_default(part) for part in super().read(data)]

    def readable(self, parts: SequenceABC[Data]) -> list[Data]:
        """What reading gives for these data: all values are text; see `Format.readable`."""
        return [_without_empty_default(mapped(part, scalar_text)) for part in parts]

    def spells_alike(self, leaf: Leaf, old: str, new: str) -> bool:
        """Words with blanks between them have no quotes; see `Format.spells_alike`."""
        words = r"(?a)[\w.:/@+-]+(?: [\w.:/@+-]+)*"
        return leaf.style is Style.PLAIN and all(re.fullmatch(words, text) for text in (old, new))

    def changer(self, document: Document) -> Changer:
        """What changes single values of a plain document."""
        return IniChanger(document)


def _without_empty_default(part: Data) -> Data:
    """A section without a name and without keys has no text."""
    if not isinstance(part, dict):
        return part
    return {name: section for name, section in part.items() if (name, section) != (DEFAULT_SECTION, {})}


def make(_stores: StoresConfig) -> Format:
    """The format for one run."""
    return IniFormat()


# Writing


def _check_plain(source: str, leaf: Leaf) -> None:
    text = cast("str", leaf.value)
    # A continued value differs from its text, and sops looks for no comments in it either.
    continued = source[leaf.start : leaf.end] != text
    if leaf.style is not Style.LITERAL and not continued and any(sign in text for sign in SIGNS):
        raise FormatError(
            f"the value of {leaf.path[-1]!a} stays plain and holds a # or ;, where sops would cut it",
            line=leaf.line,
            hint="put the value in backticks",
        )


def _change_edits(source: str, layout: _Layout, change: Change) -> list[tuple[int, int, str]]:
    target, text = change.target, scalar_text(change.value)
    if isinstance(target, Leaf):
        quote = _quote_of(source, target)
        start, end = target.start - len(quote), target.end + len(quote)
        line_end = source.find("\n", end)
        rest = source[end : len(source) if line_end < 0 else line_end]
        what = ascii(target.path[-1])
        if change.kept is not None and isinstance(former := change.kept.item, Leaf):
            # Decrypting gives a value the quotes that it needs. If it has them still, nobody touched it.
            before = _quote_of(change.kept.source, former)
            untouched = _spell(scalar_text(target.value), before, rest, what) == source[start:end]
            quote = before if untouched else quote
        return [(start, end, _spell(text, quote, rest, what))]
    text = _PADDED_LINE.sub("", text) if "\n" in text else text
    if change.encrypted and target.start in layout.header_comments:
        # A ciphertext ends with a bracket, and the last bracket of the line ends the section's name.
        start, end, line_start = layout.header_comments[target.start]
        return [(line_start, line_start, f"; {text}{_newline(source)}"), (start, end, "")]
    if any(line.strip(WHITE)[:1] not in ("", *SIGNS) for line in text.split("\n")[1:]):
        raise FormatError("a comment of several lines has a line that is not a comment", line=target.line)
    return [(target.start, target.end, text)]


def _quote_of(source: str, leaf: Leaf) -> str:
    if leaf.style is Style.LITERAL:
        return BACKTICK if source[leaf.start - 1] == BACKTICK else TRIPLE
    return next(quote for quote, style in STYLES.items() if style is leaf.style)


def _spell(text: str, kept: str, rest: str, what: str) -> str:
    """A value with the quotes with which go-ini reads it too, preferably those it had."""
    for quote in (kept, "", BACKTICK, TRIPLE, '"', "'"):
        cut = quote not in _NOT_CUT and any(sign in text for sign in SIGNS)
        spelled = f"{quote}{text}{quote}"
        if not cut and _reads_as(spelled, rest, text):
            return spelled
    raise FormatError(
        f"the value of {what} can't be written in an INI file", hint="keep it in a YAML or JSON file"
    )


def _reads_as(spelled: str, rest: str, text: str) -> bool:
    line = f"{spelled}{rest}\n"
    try:
        result = read_text(line + "\n", 0, 1)
    except FormatError:
        return False
    comment = None if result.comment is None else line[slice(*result.comment)]
    return result.value == text and result.next == len(line) and (comment or "") == rest.strip(WHITE)


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
    lines = {_spell_name(name): _spell(text, "", "", ascii(name)) for name, text in texts.items()}
    width = max(map(len, lines), default=0)
    return "".join(f"{name:<{width}} = {text}".rstrip(" ") + newline for name, text in lines.items())


def _spell_name(name: str) -> str:
    """A key with the quotes that it needs (gopkg.in/ini.v1: file.go)."""
    quote = ""
    if '"' in name or DELIMITER.search(name) or name[:1] in ("[", *SIGNS):
        quote = BACKTICK
    elif BACKTICK in name:
        quote = TRIPLE
    if not name or name.strip(WHITE) != name or "\n" in name or name == "-" or (quote and quote in name):
        raise FormatError(f"{name!a} can't be a key in an INI file", hint="write YAML or JSON")
    return f"{quote}{name}{quote}"


def _header(name: str) -> str:
    if not name or name == METADATA_SECTION or "\n" in name or COMMENT_IN_NAME.search(name):
        raise FormatError(f"{name!a} can't be a section of an INI file", hint="write YAML or JSON")
    return f"[{name}]"


def _scalar(key: str, value: Data) -> str:
    if isinstance(value, MappingABC | list):
        raise FormatError(f"INI holds no deeper nesting, and {key!a} is nested", hint="write YAML or JSON")
    scalar: Value = value
    return scalar_text(scalar)


# Changing single values


class IniChanger:
    """Changes single keys and sections of INI text."""

    def __init__(self, document: Document) -> None:
        """Take a plain document."""
        self._document = document
        self._source = document.source
        self._sections = [entry for entry in document.parts[0].entries if isinstance(entry, Entry)]

    def setting(self, part: int, path: Path, value: Data) -> Iterator[list[Edit]]:
        """Edits that set a value, add a key at the end of its section, or a section at the end.

        Raises:
            FormatError: not a section and a key, or what INI can't hold.
        """
        section, key = _section_and_key(path)
        if not isinstance(value, str):
            raise FormatError("INI holds text only", hint="give a single value")
        found = self._section(section)
        leaf = find(self._document.parts[0], path)
        if isinstance(leaf, Leaf):
            yield [self._replaced(leaf, value)]
            return
        newline = newline_of(self._source)
        lines = _rendered(section, key, value)
        if found is None:
            blank = newline if self._source else ""
            end = len(self._source)
            if self._source and not self._source.endswith("\n"):
                blank = newline * 2
            yield [(end, end, blank + newline.join([f"[{section}]", *lines]) + newline)]
            return
        lines[0] = self._in_style(found, key, section, lines[0])
        end = self._section_end(found)
        text = newline.join(lines)
        if end and not self._source.endswith("\n", 0, end):
            yield [(end, end, newline + text)]
        else:
            yield [(end, end, text + newline)]

    def removing(self, part: int, path: Path) -> Iterator[list[Edit]]:
        """Edits that remove a key or a whole section, with the comments above it."""
        section = self._section(path[0])
        if section is None or not isinstance(section.value, Mapping):
            return
        if len(path) == 1:
            start, _ = with_comments_above(self._source, section.start, section.end, SIGNS, top=True)
            yield [(start, self._section_end(section), "")]
            return
        for entry in section.value.entries:
            if isinstance(entry, Entry) and entry.key == path[1]:
                start, end = with_comments_above(self._source, entry.start, entry.value.end, SIGNS)
                yield [(start, end, "")]

    def _section(self, name: str | int) -> Entry | None:
        return only_entry(self._sections, name, "section", "merge the two with `fluxsecrets edit FILE`")

    def _section_end(self, section: Entry) -> int:
        """Behind the line of the section's last key, or of its header."""
        assert isinstance(section.value, Mapping)  # noqa: S101 - INI's sections are maps
        ends = [section.end if self._has_header(section) else section.start]
        for item in section.value.entries:
            if isinstance(item, Entry):
                ends.append(item.value.end)
            elif item.inline:
                ends.append(item.end)
        return min(line_end(self._source, max(ends)) + 1, len(self._source))

    def _has_header(self, section: Entry) -> bool:
        return section.start > 0 and self._source[section.start - 1] == "["

    def _replaced(self, leaf: Leaf, value: str) -> Edit:
        """The format's own spelling of the new value, quotes included."""
        new = IniFormat().rewrite(self._document, [Change(leaf, value, encrypted=False)], None)
        text = new.decode("utf-8").removeprefix("\ufeff")
        start = line_start(self._source, leaf.start)
        end = line_end(self._source, leaf.end)
        line, new_line = self._source[start:end], text[start : end + len(text) - len(self._source)]
        # As little as differs, so that a comment behind the value is left alone.
        left = _common(line, new_line)
        right = _common(line[left:][::-1], new_line[left:][::-1])
        return (start + left, end - right, new_line[left : len(new_line) - right])

    def _in_style(self, section: Entry, key: str, name: str, line: str) -> str:
        """The line with the separator that the section's last key has."""
        assert isinstance(section.value, Mapping)  # noqa: S101 - INI's sections are maps
        entries = [item for item in section.value.entries if isinstance(item, Entry)]
        if not entries:
            return line
        last = entries[-1]
        gap = self._source[last.end : last.value.start].strip("\"'`")
        blank = gap.strip(" \t") == "=" and gap.count(" ") <= 2 and "\t" not in gap
        if not blank:
            return line
        head = _rendered(name, key, "")[0].removesuffix("=").rstrip(" ")
        return head + gap + line.removeprefix(f"{head} = ")


def _common(first: str, second: str) -> int:
    """How many characters two texts start with in common."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(first), len(second)))


def _rendered(section: str, key: str, value: str) -> list[str]:
    text = IniFormat().render([{section: {key: value}}]).decode("utf-8").removesuffix("\n")
    lines = text.split("\n")
    return lines if section == DEFAULT_SECTION else lines[1:]


def _section_and_key(path: Path) -> tuple[str, str]:
    if len(path) == 2 and isinstance(path[0], str) and isinstance(path[1], str):
        return path[0], path[1]
    raise FormatError("a value of an INI file has a section and a key", hint="write it like section.key")
