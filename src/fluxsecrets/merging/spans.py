"""Where the entries of a map or list are in a file's text: whole lines, or members between commas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from fluxsecrets.sops.document import Comment, Document, Entry, Leaf, Mapping, Node, Path, Sequence, Style
from fluxsecrets.sops.formats import line_end, line_start, newline_of

from .names import distinct

_BLOCK_STYLES = (Style.LITERAL, Style.FOLDED)
_ALIAS = re.compile(r"[ \t\r\n]*:?[ \t\r\n]*(\*[^ \t\r\n,\]}]+)")

Container = Mapping | Sequence


class Child(NamedTuple):
    """An entry of a map or an item of a list.

    Attributes:
        key: its key, or its position.
        node: its value.
        start: where its key, or the item itself, starts.
        end: where its text ends, comments that it encloses included; in front of the line break.
        value: where its value starts.
        number: its position in the text.
    """

    key: str | int
    node: Node
    start: int
    end: int
    value: int
    number: int = 0


class Text:
    """The text of a document, and what its entries look like."""

    def __init__(self, document: Document) -> None:
        """Take a document of any format with maps."""
        self.document = document
        self.source = document.source
        self.newline = newline_of(document.source)
        self.signs = "#;" if document.format == "ini" else "#"
        self._children: dict[int, list[Child]] = {}
        self._by_key: dict[int, dict[str | int, Child]] = {}

    def in_lines(self, container: Container) -> bool:
        """Whether each entry of a map or list has lines of its own."""
        return self.document.format != "json" and not container.flow

    def children(self, container: Container) -> list[Child]:
        """The entries in the order of the text."""
        found = self._children.get(id(container))
        if found is None:
            ordered = sorted(self._read(container), key=lambda child: child.start)
            found = [child._replace(number=number) for number, child in enumerate(ordered)]
            self._children[id(container)] = found
        return found

    def child(self, container: Container, key: str | int) -> Child | None:
        """The entry with a key, or None."""
        found = self._by_key.get(id(container))
        if found is None:
            found = self._by_key[id(container)] = {child.key: child for child in self.children(container)}
        return found.get(key)

    def _read(self, container: Container) -> Iterator[Child]:
        if isinstance(container, Mapping):
            entries = [entry for entry in container.entries if isinstance(entry, Entry)]
            for key, entry in zip(distinct(entry.key for entry in entries), entries, strict=True):
                start, end = self._value_span(entry.value, entry.end)
                yield Child(key, entry.value, entry.start, max(end, entry.end), start)
            return
        position, floor = 0, container.start
        for item in container.items:
            if not isinstance(item, Comment):
                start, end = self._value_span(item, floor)
                yield Child(position, item, start, end, start)
                position, floor = position + 1, end

    def _value_span(self, node: Node, floor: int) -> tuple[int, int]:
        if not isinstance(node, Leaf) and node.start < floor and self.document.format == "yaml":
            # Reached through an alias: the node's own place is that of the anchor.
            match = _ALIAS.match(self.source, floor)
            return (match.start(1), match.end(1)) if match is not None else (floor, floor)
        return node.start, self._end(node)

    def _end(self, node: Node) -> int:
        """Where a node's text ends; the span of a block collection goes on to what follows it."""
        if isinstance(node, Leaf):
            if node.style in _BLOCK_STYLES and self.document.format == "yaml":
                header = self.source[node.start : line_end(self.source, node.start)]
                if "+" in header.partition("#")[0]:
                    return node.end
                return node.start + len(self.source[node.start : node.end].rstrip(" \t\r\n"))
            if self.document.format == "ini":
                return self._behind_quotes(node)
            return node.end
        if not self.in_lines(node):
            return node.end
        ends = [child.end for child in self.children(node)]
        column = self.column(node) + self._is_level(node) if self.document.format == "yaml" else 0
        items = node.entries if isinstance(node, Mapping) else node.items
        comments = [item for item in items if isinstance(item, Comment)]
        # go-yaml gives some comments to a map that is deeper than they are.
        ends += [comment.end for comment in comments if self._column_of(comment) >= column]
        return max(ends, default=node.end)

    def _is_level(self, node: Container) -> bool:
        """Whether a list's dashes are below its key: comments there belong to the map of the key."""
        children = self.children(node)
        if not children or not isinstance(node, Sequence):
            return False
        place = line_start(self.source, children[0].start)
        column = _blanks(self.source, place)
        while place > 0:
            end, place = place, line_start(self.source, place - 1)
            line = self.source[place:end].strip()
            if line and not line.startswith("#"):
                break
        return _blanks(self.source, place) == column

    def _column_of(self, comment: Comment) -> int:
        return comment.start - 1 - line_start(self.source, comment.start)

    def _behind_quotes(self, leaf: Leaf) -> int:
        end = leaf.end
        while self.source[end : end + 1] in ('"', "'", "`"):
            end += 1
        return end

    # Lines

    def head(self, child: Child) -> int | None:
        """Where the lines of an entry start; None if something else is on its first line.

        A list item starts with its dash.
        """
        start = line_start(self.source, child.start)
        before = self.source[start : child.start]
        if self.document.format == "ini":
            return start if not before.strip(" \t[\"'`") else None
        dash = isinstance(child.key, int)
        return start if before.strip(" ") == ("-" if dash else "") else None

    def tail(self, child: Child) -> int:
        """Where the line behind an entry starts."""
        if child.end and self.source[child.end - 1] == "\n":
            return child.end
        return min(line_end(self.source, child.end) + 1, len(self.source))

    def attached(self, head: int, floor: int = 0, *, top: bool = False) -> int:
        """Where the comment lines right above a line start.

        Those that start the file belong to the file, except with `top`.
        """
        above = head
        column = _blanks(self.source, head)
        while above > floor:
            previous = line_start(self.source, above - 1)
            if self.source[previous:above].strip()[:1] not in tuple(self.signs):
                break
            if self.document.format == "yaml" and _blanks(self.source, previous) > column:
                break  # it ends what is deeper
            above = previous
        return above if above > 0 or top else head

    def blanks_above(self, place: int, floor: int = 0) -> int:
        """Where the blank lines right above a line start."""
        while place > floor:
            previous = line_start(self.source, place - 1)
            if self.source[previous:place].strip():
                break
            place = previous
        return place

    def column(self, container: Container) -> int:
        """The column of the keys or dashes of a map or list with lines."""
        for child in self.children(container):
            start = line_start(self.source, child.start)
            line = self.source[start : child.start]
            return len(line) - len(line.lstrip(" "))
        return 0


class PartSide:
    """One document on one side."""

    def __init__(self, text: Text, part: int) -> None:
        """Take the side's text, and the document's number in it."""
        self.text, self.part, self.root = text, part, text.document.parts[part]


def _blanks(source: str, start: int) -> int:
    """How many blanks a line starts with."""
    end = start
    while source[end : end + 1] == " ":
        end += 1
    return end - start


def follow(text: Text, root: Mapping, path: Path) -> Container | None:
    """The map or list at a path of map keys, or None."""
    container: Container = root
    for step in path:
        child = text.child(container, step)
        if child is None or isinstance(child.node, Leaf):
            return None
        container = child.node
    return container
