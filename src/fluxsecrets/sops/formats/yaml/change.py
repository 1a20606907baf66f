"""YAML text changed at one value: block and flow style, indentation, quotes and comments as around it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import (
    Comment,
    Data,
    Document,
    Entry,
    Leaf,
    Mapping,
    Node,
    Path,
    Style,
    nested,
    show_path,
)
from fluxsecrets.sops.document import find as find_node
from fluxsecrets.sops.formats import Edit, Limits, line_end, line_start
from fluxsecrets.sops.values import Value

from .build import is_merge_key, key_text
from .nodes import ANCHOR_OR_TAG, RawAlias, RawMapping, RawNode, RawScalar, RawSequence, parse_nodes
from .scalars import Layout, double_quoted, plain_text, scalar_text, write_value

_NO_LIMITS = Limits(size=2**62, depth=10**6, expansion=2**62)
"""The document was read within limits already."""

# Compiled when they are first used: most changes need neither.
_COMMENT_LINE = r"([ \t]*)#[^\r\n]*(?:\r?\n|\Z)"
_ANCHOR_OR_TAG = rf"{ANCHOR_OR_TAG}(?:[ \t]+{ANCHOR_OR_TAG})*"

Collection = RawMapping | RawSequence


class YamlChanger:
    """See `Changer`."""

    def __init__(self, document: Document) -> None:
        """Take a plain document."""
        self._document = document
        self._source = document.source
        self._roots = [raw.root for raw in parse_nodes(document.source, _NO_LIMITS)]
        layout = getattr(document.layout, "layout", None)
        self._layout = layout if isinstance(layout, Layout) else Layout("\n", 2)
        self._newline, self._step = self._layout.newline, self._layout.step

    # What is asked for

    def setting(self, part: int, path: Path, value: Data) -> Iterator[list[Edit]]:
        """Edits that set a value.

        Raises:
            FormatError: the path leads through an alias.
        """
        place = _Place(self._roots[part], None, 0, ())
        for done, step in enumerate(path):
            child = self._child(place, step)
            if child is not None:
                place = child
                continue
            rest = nested(path[done + 1 :], value)
            node = place.node
            if isinstance(node, RawMapping | RawSequence):
                yield from self._adding(place, node, step, rest)
            else:  # null, which becomes a map or a list
                yield from self._replacing(part, place, nested((step,), rest))
            return
        yield from self._replacing(part, place, value)

    def removing(self, part: int, path: Path) -> Iterator[list[Edit]]:
        """Edits that remove an entry with the comments that are its own.

        Raises:
            FormatError: the path leads through an alias.
        """
        place = _Place(self._roots[part], None, 0, ())
        for step in path:
            child = self._child(place, step)
            if child is None:
                return
            place = child
        parent = place.parent
        if parent is None:
            return
        if len(_children(parent)) == 1:
            empty: Data = {} if isinstance(parent, RawMapping) else []
            above = _Place(self._roots[part], None, 0, ())
            for step in path[:-1]:
                above = self._child(above, step) or above
            yield from self._replacing(part, above, empty)
        elif parent.flow:
            yield [self._flow_removal(parent, place.number)]
        else:
            edits = self._block_removal(parent, place.number, self._end_with_comments(part, place))
            yield edits
            # A block scalar above needs its line break.
            start, end, text = edits[0]
            if self._next_line(start) <= end:
                yield [(self._next_line(start), end, text)]

    def _child(self, place: _Place, step: str | int) -> _Place | None:
        node = place.node
        if isinstance(node, RawAlias):
            raise FormatError(
                f"{show_path(place.path)} is a YAML alias, and a change below it would change its anchor too",
                line=node.line,
                hint="write the value out in place of the alias with `fluxsecrets edit FILE`",
            )
        if isinstance(node, RawMapping) and isinstance(step, str):
            for number, key in enumerate(node.keys):
                if key_text(key) == step and not is_merge_key(key):
                    return _Place(node.values[number], node, number, (*place.path, step))
        if isinstance(node, RawSequence) and isinstance(step, int) and step < len(node.items):
            return _Place(node.items[step], node, step, (*place.path, step))
        return None

    # Replacing

    def _replacing(self, part: int, place: _Place, value: Data) -> Iterator[list[Edit]]:
        node, parent = place.node, place.parent
        if parent is None:
            if value == {} and isinstance(node, RawMapping) and not node.flow:
                # The last entry of a document that is not the only one.
                yield [self._whole_lines(_start(node), self._end(node), "{}" + self._newline)]
            elif isinstance(node, RawMapping):
                yield [(node.start + 1, node.end - 1, "")]
            elif isinstance(value, dict):
                yield [(node.end, node.end, self._newline.join(self._lines(value)) + self._newline)]
            return
        in_flow, end = parent.flow, self._end_with_comments(part, place)
        leaf = find_node(self._document.parts[part], place.path)
        if isinstance(value, dict | list):
            if value and not in_flow:
                yield self._as_block(place, parent, self._block_lines(value, parent), end)
            yield self._inline_edits(place, parent, self._flow_text(value, quoted=False), end)
            return
        if isinstance(leaf, Leaf) and isinstance(node, RawScalar) and node.end > node.properties:
            yield write_value(self._source, leaf, value, self._layout)
            if isinstance(value, str):
                yield [(node.start, node.end, double_quoted(value))]
            yield [(node.properties, node.end, self._scalar(value, flow=in_flow))]
            return
        text = self._scalar(value, flow=in_flow, indent=None if in_flow else parent.column + self._step)
        yield self._inline_edits(place, parent, text, end)
        if isinstance(value, str):
            yield self._inline_edits(place, parent, double_quoted(value), end)

    def _inline_edits(self, place: _Place, parent: Collection, text: str, end: int) -> list[Edit]:
        """Whatever stands there, replaced by text that starts on the line of its key or dash."""
        node = place.node
        head = self._head_end(parent, place.number)
        if isinstance(node, RawScalar) and node.end == node.properties:
            colon = "" if self._has_head(parent, place.number) else ":"
            return [(head, head, f"{colon} {text}")]
        if isinstance(node, RawMapping | RawSequence) and not node.flow:
            # What stands behind the colon, such as a comment, stays; the lines below go.
            stop = line_end(self._source, head)
            if isinstance(parent, RawSequence):
                return [(head, end, f" {text}")]
            if stop < node.start:
                stop -= self._source.endswith("\r", head, stop)
                anchor = re.compile(_ANCHOR_OR_TAG).match(self._source, _start(node), stop)
                behind = anchor.end() if anchor is not None else head
                return [(head, behind, f" {text}"), (stop, end, "")]
        return [(_start(node), end, text)]

    def _as_block(self, place: _Place, parent: Collection, lines: list[str], end: int) -> list[Edit]:
        """Whatever stands there, replaced by the lines of a block map or list."""
        node = place.node
        head = self._head_end(parent, place.number)
        if isinstance(parent, RawSequence):
            text = " " + self._newline.join([lines[0].lstrip(" "), *lines[1:]])
            return [(head, max(end, head), text)]
        text = "".join(self._newline + line for line in lines)
        stop = line_end(self._source, head)
        stop -= self._source.endswith("\r", head, stop)
        if isinstance(node, RawMapping | RawSequence) and not node.flow and stop < node.start:
            return [(stop, end, text)]
        if isinstance(node, RawScalar) and node.end == node.properties:
            return [(stop, stop, text)]
        if "\n" in self._source[_start(node) : end]:
            return [(head, end, text)]
        stop = line_end(self._source, end)
        stop -= self._source.endswith("\r", end, stop)
        keep = self._source[end:stop].strip()
        return [(head, end, ""), (stop, stop, text)] if keep else [(head, stop, text)]

    # Adding

    def _adding(self, place: _Place, node: Collection, step: str | int, value: Data) -> Iterator[list[Edit]]:
        empty = not _children(node)
        in_block = place.parent is not None and not place.parent.flow
        if node.flow and empty and in_block:
            whole: Data = {step: value} if isinstance(step, str) else [value]
            assert place.parent is not None  # noqa: S101 - `in_block` says so
            lines = self._block_lines(whole, place.parent)
            yield self._as_block(place, place.parent, lines, node.end)
        if node.flow:
            yield [self._flow_addition(node, step, value)]
            return
        plain = self._block_entry(node, step, value, quoted=False)
        for lines in (plain, self._block_entry(node, step, value, quoted=True)):
            yield from self._block_additions(node, lines)

    def _block_additions(self, node: Collection, lines: list[str]) -> Iterator[list[Edit]]:
        last = _children(node)[-1]
        end = self._end(last)
        source = self._source
        text = self._newline.join(lines)
        own = self._behind_own_comments(node, end)
        for place in dict.fromkeys((own, self._next_line(end))):
            if place and source[place - 1] not in "\r\n":
                yield [(place, place, self._newline + text)]
            else:
                yield [(place, place, text + self._newline)]
        if isinstance(last, RawScalar) and last.style in (Style.LITERAL, Style.FOLDED):
            # It ends the file without a line break, which would become part of it.
            header = last.start + 1
            yield [(header, header, "-"), (len(source), len(source), self._newline + text)]

    def _block_entry(self, node: Collection, step: str | int, value: Data, *, quoted: bool) -> list[str]:
        column = node.column
        if isinstance(node, RawSequence):
            lines = self._lines([value])
            if not isinstance(value, dict | list):
                text = self._scalar(value, flow=False, indent=column + self._step)
                lines = f"- {double_quoted(value) if quoted and isinstance(value, str) else text}".split("\n")
        elif isinstance(value, dict | list):
            lines = self._lines({str(step): value})
        else:
            text = self._scalar(value, flow=False, indent=column + self._step)
            if quoted and isinstance(value, str):
                text = double_quoted(value)
            first, *rest = text.split(self._newline)
            key = scalar_text(str(step), Style.PLAIN, flow=False)
            return [" " * column + f"{key}: {first}".rstrip(" "), *rest]
        return [" " * column + line if line else "" for line in lines]

    def _behind_own_comments(self, node: Collection, end: int) -> int:
        """Behind the comment lines at the collection's own indentation that follow its last entry."""
        place, line = self._next_line(end), re.compile(_COMMENT_LINE)
        while (match := line.match(self._source, place)) and len(match[1]) == node.column > 0:
            place = match.end()
        return place

    # Removing

    def _block_removal(self, parent: Collection, number: int, end: int) -> list[Edit]:
        start = self._entry_start(parent, number)
        end = max(end, self._entry_end(parent, number))
        head = line_start(self._source, start)
        if self._source[head:start].strip(" \t"):
            # It starts on the line of a dash, where the next entry takes its place.
            following = self._entry_start(parent, number + 1) if number + 1 < len(_children(parent)) else end
            rest = self._source[self._next_line(end) : following]
            comments = rest.lstrip(" \t\r\n") if rest.strip() else ""
            return [(start, following - len(comments), "")]
        return [self._whole_lines(start, end, "", comments=True)]

    def _whole_lines(self, start: int, end: int, text: str, *, comments: bool = False) -> Edit:
        head = line_start(self._source, start)
        column = start - head
        while comments and head > 0:
            above = line_start(self._source, head - 1)
            match = re.compile(_COMMENT_LINE).match(self._source, above, head)
            if match is None or len(match[1]) != column or above == 0:
                break
            head = above
        if comments and head > 0 and self._top_comments(head):
            head = line_start(self._source, start)
        stop = self._next_line(end)
        if stop == len(self._source) and self._source[stop - 1 : stop] not in "\r\n" and not text and head:
            head -= 2 if self._source.endswith("\r\n", 0, head) else 1
        return (head, stop, text)

    def _top_comments(self, offset: int) -> bool:
        """Whether there is nothing but comments and blank lines above: they are about the file."""
        above = self._source[:offset].splitlines()
        return (
            all(line.strip()[:1] in ("", "#") for line in above) and bool(above) and bool(above[-1].strip())
        )

    def _flow_removal(self, parent: Collection, number: int) -> Edit:
        spans = [
            (self._entry_start(parent, index), self._entry_end(parent, index))
            for index in range(len(_children(parent)))
        ]
        if number:
            return (spans[number - 1][1], spans[number][1], "")
        return (spans[0][0], spans[1][0], "")

    def _flow_addition(self, node: Collection, step: str | int, value: Data) -> Edit:
        quoted = any(isinstance(key, RawScalar) and key.style is Style.DOUBLE_QUOTED for key in _keys(node))
        quoted = quoted or (isinstance(node, RawSequence) and _all_quoted(node))
        text = self._flow_text(value, quoted=quoted)
        if isinstance(step, str):
            key = double_quoted(step) if quoted else scalar_text(step, Style.PLAIN, flow=True)
            text = f"{key}: {text}"
        children = _children(node)
        if not children:
            return (node.start + 1, node.end - 1, text)
        last = len(children) - 1
        before = self._entry_end(node, last - 1) if last else node.start + 1
        gap = self._source[before : self._entry_start(node, last)].rpartition(",")[2]
        gap = gap if "\n" in gap and not gap.strip() else " "
        end = self._entry_end(node, last)
        tail = self._source[end : node.end - 1]
        if tail.lstrip().startswith(","):
            place = end + tail.index(",") + 1
            return (place, place, f"{gap}{text},")
        return (end, end, f",{gap}{text}")

    # Spelling

    def _scalar(self, value: Value, *, flow: bool = False, indent: int | None = None) -> str:
        if not isinstance(value, str):
            return plain_text(value) or '""'
        return scalar_text(value, Style.PLAIN, flow=flow, indent=indent, newline=self._newline)

    def _flow_text(self, value: Data, *, quoted: bool) -> str:
        if isinstance(value, dict):
            entries = [
                f"{double_quoted(key) if quoted else scalar_text(key, Style.PLAIN, flow=True)}: "
                f"{self._flow_text(item, quoted=quoted)}"
                for key, item in value.items()
            ]
            return "{" + ", ".join(entries) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self._flow_text(item, quoted=quoted) for item in value) + "]"
        if quoted and isinstance(value, str):
            return double_quoted(value)
        return self._scalar(value, flow=True, indent=None)

    def _lines(self, value: Data) -> list[str]:
        """A map or list that is not empty as lines of block style, from the first column on."""
        lines: list[str] = []
        step = self._step if isinstance(value, dict) else 2
        for key, item in value.items() if isinstance(value, dict) else enumerate(_items(value)):
            head = f"{scalar_text(key, Style.PLAIN, flow=False)}:" if isinstance(key, str) else "-"
            if not isinstance(item, dict | list) or not item:
                inline = isinstance(item, dict | list)
                text = self._flow_text(item, quoted=False) if inline else self._scalar(item, indent=step)  # type: ignore[arg-type]
                lines += f"{head} {text}".split(self._newline)
                continue
            inner = [" " * step + line if line else "" for line in self._lines(item)]
            lines += [head, *inner] if isinstance(key, str) else [f"- {inner[0][step:]}", *inner[1:]]
        return lines

    def _block_lines(self, value: Data, parent: Collection) -> list[str]:
        column = parent.column + (2 if isinstance(parent, RawSequence) else self._step)
        return [" " * column + line if line else "" for line in self._lines(value)]

    # Places

    def _end(self, node: RawNode) -> int:
        """Where a node's own text ends: a block collection's span goes on to the next token."""
        while isinstance(node, RawMapping | RawSequence) and not node.flow and _children(node):
            node = _children(node)[-1]
        if isinstance(node, RawScalar) and node.style in (Style.LITERAL, Style.FOLDED):
            header = self._source[node.start : line_end(self._source, node.start)]
            if "+" in header.partition("#")[0]:
                return node.end
            text = self._source[node.start : node.end]
            return node.start + len(text.rstrip(" \t\r\n"))
        return node.end

    def _end_with_comments(self, part: int, place: _Place) -> int:
        """Where a node ends with the comments that it encloses, also those behind its last entry."""
        end = self._end(place.node)
        tree = find_node(self._document.parts[part], place.path)
        if tree is None or isinstance(place.node, RawAlias):
            return end
        return max([end, *(comment.end for comment in _comments(tree))])

    def _next_line(self, offset: int) -> int:
        if offset and self._source[offset - 1] == "\n":
            return offset
        return min(line_end(self._source, offset) + 1, len(self._source))

    def _entry_start(self, parent: Collection, number: int) -> int:
        """Where an entry starts: its key, or its dash in a block list."""
        if isinstance(parent, RawMapping):
            return _start(parent.keys[number])
        if parent.flow:
            return _start(parent.items[number])
        return self._dash(parent, number)

    def _entry_end(self, parent: Collection, number: int) -> int:
        value = _children(parent)[number]
        end = self._end(value)
        return max(end, parent.keys[number].end) if isinstance(parent, RawMapping) else end

    def _dash(self, parent: RawSequence, number: int) -> int:
        floor = self._end(parent.items[number - 1]) if number else _start(parent)
        place = floor
        stop = _start(parent.items[number])
        while place < stop:
            if self._source[place] == "#" and self._source[place - 1 : place] in (" ", "\t", "\n", ""):
                place = line_end(self._source, place)
            elif self._source[place] == "-":
                return place
            else:
                place += 1
        # An item without text stands right behind its dash.
        return self._source.rindex("-", 0, stop)

    def _head_end(self, parent: Collection, number: int) -> int:
        """Behind an entry's colon or dash; behind the key where there is no colon."""
        if isinstance(parent, RawSequence):
            return _start(parent.items[number]) if parent.flow else self._dash(parent, number) + 1
        end = parent.keys[number].end
        match = re.compile(r"[ \t\r\n]*:").match(self._source, end)
        return match.end() if match else end

    def _has_head(self, parent: Collection, number: int) -> bool:
        end = self._head_end(parent, number)
        return isinstance(parent, RawSequence) or self._source[end - 1] == ":"


class _Place:
    """A node with where it stands: its collection, its number in it, and its path."""

    __slots__ = ("node", "number", "parent", "path")

    def __init__(self, node: RawNode, parent: Collection | None, number: int, path: Path) -> None:
        self.node, self.parent, self.number, self.path = node, parent, number, path


def _comments(tree: Node) -> Iterator[Comment]:
    if isinstance(tree, Leaf):
        return
    for item in tree.entries if isinstance(tree, Mapping) else tree.items:
        if isinstance(item, Comment):
            yield item
        else:
            yield from _comments(item.value if isinstance(item, Entry) else item)


def _children(node: Collection) -> list[RawNode]:
    return node.values if isinstance(node, RawMapping) else node.items


def _items(value: Data) -> list[Data]:
    return value if isinstance(value, list) else []


def _keys(node: Collection) -> list[RawNode]:
    return node.keys if isinstance(node, RawMapping) else []


def _all_quoted(node: RawSequence) -> bool:
    return bool(node.items) and all(
        isinstance(item, RawScalar) and item.style is Style.DOUBLE_QUOTED for item in node.items
    )


def _start(node: RawNode) -> int:
    return node.start if isinstance(node, RawAlias) else node.properties
