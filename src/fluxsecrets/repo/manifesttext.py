"""Objects of a manifest file replaced by others, with comments, order, blank lines and spelling kept.

An object's text is taken apart into pieces, one an entry of its maps, each with the comment lines above
it. Whoever makes another object of it puts the pieces together anew. What comes out is read again and
compared with the data that is wanted; where the pieces don't give that (flow style, exotic YAML), the
object is written from its data, and its comments move to its top.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.sops.document import Comment, Data, Document, Entry, Leaf, Node, Sequence, Style, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.text import apply_edits, decode_text, encode_text
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.formats.yaml.block import render_block
from fluxsecrets.sops.formats.yaml.write import scalar_text

_MARKER = re.compile(r"^(?:---|\.\.\.)(?=[ \t\n]|\Z)[^\n]*(?:\n|\Z)", re.MULTILINE)
_BLOCK_STYLES = (Style.LITERAL, Style.FOLDED)


@dataclass(frozen=True, slots=True)
class Piece:
    """An entry of a map, or an item of a list, as text that can be put elsewhere.

    Attributes:
        key: its key, or "" of a list item.
        spelled: the key as it is written, with quotes where it has them.
        lead: comment and blank lines above it, without indentation.
        raw: its own lines without indentation, or None where it is put together from `children`.
        inline: the comment on its first line, with its sign, or "".
        children: the pieces of its map or list; None where its value is neither, or not in block style.
        tail: comment lines behind the last of them.
        node: what was read; None for a new piece.
    """

    key: str
    spelled: str = ""
    lead: str = field(default="", repr=False)
    raw: str | None = field(default=None, repr=False)
    inline: str = field(default="", repr=False)
    children: tuple[Piece, ...] | None = field(default=None, repr=False)
    tail: str = field(default="", repr=False)
    node: Node | None = field(default=None, repr=False)

    def child(self, key: str) -> Piece | None:
        """The piece of a key below this one, or None."""
        return find(self.children or (), key)


Pieces = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Replacement:
    """Another object in the place of one.

    Attributes:
        data: the new object.
        layout: makes its pieces of the old one's.
    """

    data: dict[str, Data] = field(repr=False)
    layout: Callable[[Pieces], Pieces]


@dataclass(frozen=True, slots=True)
class ManifestText:
    """A plain YAML or JSON file that was read to have objects replaced.

    Attributes:
        document: its parts, one a YAML document; aliases are written out.
        newline: its line break.
        bom: it starts with a byte order mark.
        json: it is JSON, under whatever name.
    """

    document: Document
    newline: str
    bom: bool
    json: bool
    limits: Limits

    @property
    def parts(self) -> tuple[MapNode, ...]:
        """Its documents."""
        return self.document.parts

    def comments(self, part: int) -> tuple[Comment, ...]:
        """The comments of a document, in order."""
        return tuple(_comments(self.parts[part]))

    def replaced(self, changes: Mapping[int, Replacement], drop: Collection[int] = ()) -> bytes:
        """The file with objects replaced.

        Args:
            changes: by the position of the document.
            drop: `start` of the comments that are left out.

        Raises:
            FormatError: it could not be done without changing anything else.
        """
        if self.json:
            text = _as_json(changes[0].data, self.document.source) if changes else self.document.source
        else:
            text = self._with_pieces(changes, drop)
        return encode_text(text.replace("\n", self.newline), bom=self.bom)

    def _with_pieces(self, changes: Mapping[int, Replacement], drop: Collection[int]) -> str:
        source = self.document.source
        chunks = _chunks(source)
        starts = [start for start, _ in chunks]
        line_starts = [0, *(match.end() for match in re.finditer("\n", source))]
        edits: list[tuple[int, int, str]] = []
        for part, change in changes.items():
            reader = _Reader(source, line_starts, self.parts[part], drop)
            first = _first_offset(self.parts[part])
            start, end = chunks[bisect_right(starts, first) - 1]
            edits.append((start, end, self._document_text(reader, change, start, end)))
        source = apply_edits(source, edits)
        if len(chunks) == 1 and edits:
            return source  # it was compared as a document already
        expected = [
            changes[number].data if number in changes else to_data(part)
            for number, part in enumerate(self.parts)
        ]
        found = _parsed(source, self.limits)
        if found is None or [to_data(part) for part in found.parts] != expected:
            raise FormatError(
                "the objects of this file could not be replaced without changing anything else",
                hint="put each object into a file of its own, and try again",
            )
        return source

    def _document_text(self, reader: _Reader, change: Replacement, start: int, end: int) -> str:
        step = getattr(getattr(self.document.layout, "layout", None), "step", 2)
        made: Document | None = None
        try:
            head, pieces, tail = reader.take_apart(start, end)
            made = _parsed(head + emit(change.layout(pieces), step) + tail, self.limits)
        except IrregularError:
            pass
        if made is None or [to_data(part) for part in made.parts] != [change.data]:
            made = _parsed("".join(f"{line}\n" for line in render_block(change.data, step)), self.limits)
        if made is None:
            raise FormatError(
                "an object could not be written", hint="this is a fault of fluxsecrets: report it"
            )
        lost = [comment for comment in reader.comments if comment.start not in reader.drop]
        missing = Counter(comment.text.strip() for comment in lost) - Counter(
            item.text.strip() for item in made.items if isinstance(item, Comment)
        )
        kept = "".join(f"#{comment.text}\n" for comment in lost if _take(missing, comment.text.strip()))
        return kept + made.source


def open_manifests(data: bytes, limits: Limits = Limits()) -> ManifestText:  # noqa: B008 - frozen
    """Read a plain file to replace objects in it.

    Raises:
        FormatError, LimitError: it is no YAML or JSON with maps at the top.
    """
    text, bom = decode_text(data, limits, "YAML")
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    as_json = _is_json(text)
    format_ = YamlFormat()
    document = format_.parse(text.encode("utf-8"), limits)
    leaves = list(document.leaves)
    if any(leaf.alias for leaf in leaves):
        document = format_.expand_aliases(document, leaves, limits)
    return ManifestText(document, newline, bom, as_json, limits)


# --- pieces --------------------------------------------------------------------------------------------


def find(pieces: Pieces, key: str) -> Piece | None:
    """The piece of a key, or None."""
    return next((piece for piece in pieces if piece.key == key), None)


def value_piece(key: str, value: Data, like: Piece | None = None, step: int = 2) -> Piece:
    """A new entry, or one with another value whose comments stay.

    Args:
        key: the key.
        value: a scalar, map or list.
        like: whose comments and spelling of the key it takes over.
        step: columns to indent by.
    """
    if isinstance(value, str):
        text = scalar_text(value, Style.PLAIN, flow=False, indent=step)
        lines = f"{_spelled(key)}: {text}".split("\n")
    else:
        lines = render_block({key: value}, step)
    lead, inline = ("", "") if like is None else (like.lead, like.inline)
    if like is not None and like.children is not None:
        lead += "".join(child.lead for child in like.children) + like.tail
    if inline:
        in_front = len(lines) == 1 or (isinstance(value, str) and re.search(r": [|>][-+0-9]*$", lines[0]))
        if in_front:
            lines[0] = f"{lines[0]} {inline}"
        else:
            lead, inline = f"{lead}{inline}\n", ""
    return Piece(key, lead=lead, raw="\n".join(lines) + "\n", inline=inline)


def map_piece(key: str, children: Pieces, like: Piece | None = None) -> Piece:
    """A map made of pieces, with the comments of another one."""
    if like is None:
        return Piece(key, children=children)
    return Piece(key, lead=like.lead, inline=like.inline, children=children, tail=like.tail)


def emit(pieces: Pieces, step: int) -> str:
    """Pieces as text."""
    return "".join(_emit(piece, step) for piece in pieces)


def indented(text: str, columns: int) -> str:
    """Lines moved to the right; empty ones stay empty."""
    blanks = " " * columns
    return "\n".join(blanks + line if line else "" for line in text.split("\n"))


@lru_cache(maxsize=1024)
def _spelled(key: str) -> str:
    """A key as it is written; the same few occur in every file."""
    return scalar_text(key, Style.PLAIN, flow=False)


def _emit(piece: Piece, step: int) -> str:
    if piece.raw is not None:
        return piece.lead + piece.raw
    key = piece.spelled or _spelled(piece.key)
    inline = f" {piece.inline}" if piece.inline else ""
    if not piece.children:
        return f"{piece.lead}{key}: {{}}{inline}\n{piece.tail}"
    inner = emit(piece.children, step) + piece.tail
    return f"{piece.lead}{key}:{inline}\n{indented(inner, step)}"


class IrregularError(Exception):
    """An object is not laid out in a way that can be taken apart; not for users."""


class _Reader:
    """Takes one document apart."""

    def __init__(self, source: str, line_starts: list[int], part: MapNode, drop: Collection[int]) -> None:
        self.source = source
        self.part = part
        self.comments = tuple(_comments(part))
        self.drop = drop
        self._line_starts = line_starts
        self._by_line: dict[int, list[Comment]] = {}
        for comment in self.comments:
            self._by_line.setdefault(self._line(comment.start), []).append(comment)

    def take_apart(self, start: int, end: int) -> tuple[str, Pieces, str]:
        """What stands above the first entry, the entries, and what stands below the last."""
        if self.part.flow:
            raise IrregularError
        pieces, tail = self._entries(self.part, self._line(start), self._line(max(start, end - 1)))
        head = pieces[0].lead
        return head, (replace(pieces[0], lead=""), *pieces[1:]), tail

    def _line(self, offset: int) -> int:
        return bisect_right(self._line_starts, offset)

    def _text(self, line: int) -> str:
        """A line with its break; the last one gets one."""
        start = self._line_starts[line - 1]
        end = self._line_starts[line] if line < len(self._line_starts) else len(self.source)
        text = self.source[start:end]
        return text if text.endswith("\n") else text + "\n"

    def _entries(self, node: MapNode, first: int, last: int) -> tuple[Pieces, str]:
        """The pieces of a block map between two lines, and the comment lines behind them."""
        entries = [item for item in node.entries if isinstance(item, Entry)]
        if not entries or any(entry.merge for entry in entries):
            raise IrregularError
        lines = [self._line(entry.start) for entry in entries]
        column = entries[0].start - self._line_starts[lines[0] - 1]
        for entry, line in zip(entries, lines, strict=True):
            start = self._line_starts[line - 1]
            if entry.start - start != column or self.source[start : entry.start].strip(" "):
                raise IrregularError
        pieces: list[Piece] = []
        lead = self._between(first, lines[0] - 1)
        for number, entry in enumerate(entries):
            stop = lines[number + 1] - 1 if number + 1 < len(entries) else last
            content = max(lines[number], self._line(max(entry.end, self._content_end(entry.value)) - 1))
            inner = content
            while inner < stop and self._is_inside(inner + 1, column):
                inner += 1
            # Blank lines at the end belong to what comes next.
            while inner > content and not self._text(inner).strip():
                inner -= 1
            pieces.append(self._piece(entry, lead, content, inner, column))
            lead = self._between(inner + 1, stop)
        return tuple(pieces), lead

    def _is_inside(self, line: int, column: int) -> bool:
        text = self._text(line)
        return not text.strip() or (
            text.lstrip(" ").startswith("#") and len(text) - len(text.lstrip(" ")) > column
        )

    def _piece(self, entry: Entry, lead: str, content: int, inner: int, column: int) -> Piece:
        value, spelled = entry.value, self.source[entry.start : entry.end]
        first = self._line(entry.start)
        raw = "".join(self._own(line, column) for line in range(first, content + 1))
        inline = self._inline(first, content if isinstance(value, Leaf) else first)
        children: Pieces | None = None
        tail = ""
        if isinstance(value, MapNode | Sequence) and not value.flow and content > first:
            children, tail = self._children(value, first + 1, inner)
        elif isinstance(value, MapNode):
            children = self._flow_children(value)
        if children is None or isinstance(value, Leaf):
            tail = self._between(content + 1, inner)
            if tail:
                raw += indented(tail, 2)
                tail = ""
        elif tail or inner > content:
            raw += indented(tail, 2)
        return Piece(entry.key, spelled, lead, raw, inline, children, tail, value)

    def _children(self, value: MapNode | Sequence, first: int, last: int) -> tuple[Pieces | None, str]:
        try:
            if isinstance(value, MapNode):
                return self._entries(value, first, last)
            return self._items(value, first, last)
        except IrregularError:
            return None, ""

    def _items(self, node: Sequence, first: int, last: int) -> tuple[Pieces, str]:
        """The pieces of a block list of block maps; comments inside of an item join its lead."""
        items = [item for item in node.items if not isinstance(item, Comment)]
        spans: list[tuple[int, int, int]] = []
        for item in items:
            start = item.start
            if isinstance(item, MapNode) and not item.flow:
                start = next(entry.start for entry in item.entries if isinstance(entry, Entry))
            line = self._line(start)
            dash = self._text(line).lstrip(" ")
            if not dash.startswith("- "):
                raise IrregularError
            column = len(self._text(line)) - len(dash)
            spans.append((line, max(line, self._line(self._content_end(item) - 1)), column))
        pieces: list[Piece] = []
        before = first
        for (line, end, column), item in zip(spans, items, strict=True):
            lead = self._between(before, line - 1)
            raw = "".join(self._own(each, column) for each in range(line, end + 1))
            comments = [
                f"#{comment.text}\n"
                for each in range(line, end + 1)
                for comment in self._by_line.get(each, ())
                if comment.start not in self.drop
            ]
            pieces.append(Piece("", "", lead, raw, "".join(comments), None, "", item))
            before = end + 1
        return tuple(pieces), self._between(before, last)

    def _flow_children(self, node: MapNode) -> Pieces:
        """The entries of a flow map as lines of their own."""
        pieces: list[Piece] = []
        for entry in node.entries:
            if isinstance(entry, Entry):
                text = self.source[entry.value.start : entry.value.end]
                simple = "\n" not in text and not isinstance(entry.value, Leaf)
                raw = (
                    f"{self.source[entry.start : entry.end]}: {text}\n"
                    if simple
                    else "".join(f"{line}\n" for line in render_block({entry.key: to_data(entry.value)}, 2))
                )
                nested = self._flow_children(entry.value) if isinstance(entry.value, MapNode) else None
                pieces.append(Piece(entry.key, "", "", raw, "", nested, "", entry.value))
        return tuple(pieces)

    def _content_end(self, node: Node) -> int:
        """Behind the last character of a value; blank lines behind a block scalar are not its own."""
        if isinstance(node, Leaf):
            text = self.source[node.start : node.end]
            if node.style in _BLOCK_STYLES and "+" not in text.partition("\n")[0].partition("#")[0]:
                return node.start + len(text.rstrip())
            return node.end if text else 0
        if node.flow:
            return node.end
        if isinstance(node, MapNode):
            entries = [item for item in node.entries if isinstance(item, Entry)]
            return max((max(item.end, self._content_end(item.value)) for item in entries[-1:]), default=0)
        items = [item for item in node.items if not isinstance(item, Comment)]
        return self._content_end(items[-1]) if items else node.end

    def _between(self, first: int, last: int) -> str:
        """Comment and blank lines, without indentation."""
        lines = []
        for line in range(first, last + 1):
            text = self._text(line).strip()
            if not text:
                lines.append("\n")
            elif not self._dropped(line):
                lines.append(f"{text}\n")
        return "".join(lines)

    def _dropped(self, line: int) -> bool:
        return any(comment.start in self.drop for comment in self._by_line.get(line, ()))

    def _own(self, line: int, column: int) -> str:
        """A line of an entry, without its indentation and without what is left out."""
        text = self._text(line)
        for comment in self._by_line.get(line, ()):
            if comment.start in self.drop:
                start = self._line_starts[line - 1]
                text = text[: comment.start - 1 - start].rstrip() + "\n"
                if not text.strip():
                    return ""
        blanks = len(text) - len(text.lstrip(" "))
        return text[min(blanks, column) :] if column else text

    def _inline(self, first: int, last: int) -> str:
        for line in range(first, last + 1):
            for comment in self._by_line.get(line, ()):
                start = self._line_starts[line - 1]
                behind = self.source[start : comment.start - 1].strip() != ""
                if behind and comment.start not in self.drop:
                    return f"#{comment.text}"
        return ""


# --- helpers -------------------------------------------------------------------------------------------


def _chunks(source: str) -> list[tuple[int, int]]:
    """The spans between the markers of YAML documents."""
    spans, start = [], 0
    for match in _MARKER.finditer(source):
        spans.append((start, match.start()))
        start = match.end()
    return [*spans, (start, len(source))]


def _first_offset(part: MapNode) -> int:
    return next((item.start for item in part.entries if isinstance(item, Entry)), part.start)


def _comments(part: MapNode) -> list[Comment]:
    document = Document("yaml", "", (part,), None)
    return [item for item in document.items if isinstance(item, Comment)]


def _take(counter: Counter[str], text: str) -> bool:
    if counter[text] <= 0:
        return False
    counter[text] -= 1
    return True


def _parsed(text: str, limits: Limits) -> Document | None:
    try:
        return YamlFormat().parse(text.encode("utf-8"), limits)
    except FluxsecretsError:
        return None


def _is_json(text: str) -> bool:
    import json

    if not text.lstrip().startswith("{"):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _as_json(data: dict[str, Data], source: str) -> str:
    """An object as JSON, indented as the one that it replaces."""
    from fluxsecrets.sops.formats.json import dump

    match = re.match(r"\s*\{\n([ \t]+)", source)
    if "\n" not in source.strip():
        return dump(data, None, "  ") + "\n" * source.endswith("\n")
    return dump(data, "\n", match[1] if match is not None else "  ") + "\n"
