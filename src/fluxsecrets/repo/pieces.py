"""The entries of a YAML map as pieces of text, each with the comment lines above it.

A new object is assembled from them, with comments, blank lines and spelling kept.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from fluxsecrets.sops.document import Comment, Data, Document, Entry, Leaf, Node, Sequence, Style, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats.yaml.block import render_block
from fluxsecrets.sops.formats.yaml.scalars import scalar_text

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


def map_pieces(data: Mapping[str, Data], like: Pieces) -> Pieces:
    """The pieces of a map: those of `like` where the value is the same, in their order, then the others.

    Comments of what is not wanted any more go with it to the next piece.
    """
    pieces: list[Piece] = []
    lead = ""
    for piece in like:
        if piece.key not in data:
            lead += comment_lines(piece)
            continue
        wanted = data[piece.key]
        if piece.node is not None and to_data(piece.node) == wanted and piece.raw is not None:
            new = piece
        elif isinstance(wanted, dict) and piece.children is not None:
            new = map_piece(piece.key, map_pieces(wanted, piece.children), piece)
        else:
            new = value_piece(piece.key, wanted, piece)
        pieces.append(with_lead(new, lead))
        lead = ""
    known = {piece.key for piece in like}
    for key, value in data.items():
        if key not in known:
            pieces.append(with_lead(value_piece(key, value), lead))
            lead = ""
    return tuple(pieces)


def with_lead(piece: Piece, lead: str) -> Piece:
    """A piece with more comment lines above it."""
    if not lead:
        return piece
    return replace(piece, lead=lead + piece.lead)


def comment_lines(piece: Piece) -> str:
    """The comments above a piece and on its first line, as lines."""
    lead = "".join(f"{line}\n" for line in piece.lead.split("\n") if line.strip())
    return lead + (f"{piece.inline}\n" if piece.inline else "")


class IrregularError(Exception):
    """An object is not laid out in a way that can be taken apart; not for users."""


class PieceReader:
    """Takes one document apart."""

    def __init__(self, source: str, line_starts: list[int], part: MapNode, drop: Collection[int]) -> None:
        self.source = source
        self.part = part
        self.comments = tuple(comments_of(part))
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
        """The pieces of a block map between two lines, and the comment lines after them."""
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
        """The offset after the last character of a value, without the blank lines after a block scalar."""
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


def comments_of(part: MapNode) -> list[Comment]:
    """The comments of a document, in order."""
    document = Document("yaml", "", (part,), None)
    return [item for item in document.items if isinstance(item, Comment)]
