"""Comments in YAML text, and the map or list that encloses each as go-yaml v3 decides it.

libyaml drops comments, so they are found in the gaps between the scalars that it reports. Which map a
comment belongs to matters, since SOPS binds an encrypted comment to that map's path. go-yaml decides it
while scanning (scannerc.go: `yaml_parser_scan_comments`, `yaml_parser_unroll_indent`), by indentation and
blank lines, as head, line or foot of some token; the rules are followed here gap by gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from operator import itemgetter

from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.document import Comment, Entry, Node, Path

from .nodes import PROPERTIES, RawAlias, RawDocument, RawMapping, RawNode, RawScalar, RawSequence, line_start

_COMMENT = r"#[^\r\n\x85\u2028\u2029]*"
_BREAK = r"\r\n|[\r\n\x85\u2028\u2029]"
_BREAKS = "\r\n\x85\u2028\u2029"
_BLANKS = " \t" + _BREAKS
_LINE = (
    r"(?P<blank>(?:[ \t]*+(?:\r\n|[\r\n\x85\u2028\u2029]))++)"
    r"|[ \t]*+(?P<comment>#[^\r\n\x85\u2028\u2029]*+)(?:\r\n|[\r\n\x85\u2028\u2029]|\Z)"
    r"|[^\r\n\x85\u2028\u2029]++(?:\r\n|[\r\n\x85\u2028\u2029]|\Z)"
)
_BLOCK_HEADER = r"[|>][-+0-9]*[ \t]*(#[^\r\n\x85\u2028\u2029]*)"
_DOCUMENT_MARKER = r"(?m)^---[ \t]+(#[^\r\n]*)"
_MARKER_FOOT = (
    r"(?m)^---[ \t]*+(?:\n((?:[ \t]*+#[^\r\n\x85\u2028\u2029]*+\n)++)[ \t]*+\n"
    r"|\r\n([ \t]*+#[^\r\n\x85\u2028\u2029]*+)\r\n)"
)

_DASH_ABOVE = r"(?<![^\r\n]) *-(?=(?:[ \t]+(?:-|[&!][^ \t\r\n]*))*[ \t]*(?:#[^\r\n\x85\u2028\u2029]*)?[\r\n])"
"""The dash of an item that starts on a line below; a comment, an anchor or a tag may stand behind it."""

Collection = RawMapping | RawSequence


class Kind(Enum):
    """What a token is."""

    KEY = auto()
    VALUE = auto()
    ITEM = auto()
    FLOW_START = auto()
    FLOW_END = auto()


class Token(NamedTuple):
    """Something solid between comments; a tuple, since every parse makes one for each scalar.

    Attributes:
        container: the map or list that holds it.
        entry: where its entry in the container starts.
        collection: the flow collection that a FLOW_END ends.
    """

    start: int
    end: int
    kind: Kind
    container: Collection
    entry: int
    collection: Collection | None = None


class Placed(NamedTuple):
    """A comment with its container; `order` says in front of which entry it goes."""

    container: Collection | RawScalar
    order: float
    comment: Comment


class PlacedComments:
    """The comments of one file by the map or list that encloses them."""

    __slots__ = ("_by_container",)

    def __init__(self, placed: Sequence[Placed]) -> None:
        """Group them; the raw nodes outlive this object."""
        self._by_container: dict[int, list[Placed]] = {}
        for item in placed:
            self._by_container.setdefault(id(item.container), []).append(item)

    def of(self, container: Collection) -> list[Placed]:
        """Those of one map or list."""
        return self._by_container.get(id(container), [])

    def merge_entries(
        self, raw: RawMapping | RawScalar, entries: list[Entry | Comment], path: Path
    ) -> tuple[Entry | Comment, ...]:
        """The entries of a map with its comments in between, in the order in which sops sees them."""
        placed = self._by_container.get(id(raw))
        if placed is None:
            return tuple(entries)
        merged = [(float(item.start), item) for item in entries]
        return in_order(merged, placed, path)

    def merge_items(self, raw: RawSequence, items: list[Node], path: Path) -> tuple[Node | Comment, ...]:
        """The items of a list with its comments in between."""
        placed = self._by_container.get(id(raw))
        if placed is None:
            return tuple(items)
        merged = [(float(_start(item)), node) for item, node in zip(raw.items, items, strict=True)]
        return in_order(merged, placed, path)  # type: ignore[arg-type, return-value]


def in_order(
    entries: list[tuple[float, Entry | Comment]], placed: Sequence[Placed], path: Path
) -> tuple[Entry | Comment, ...]:
    """The entries of a map, each with its place, and its comments among them."""
    ordered = [*entries, *((item.order, _in_container(item.comment, path)) for item in placed)]
    return tuple(item for _, item in sorted(ordered, key=itemgetter(0)))


def _in_container(comment: Comment, path: Path) -> Comment:
    return Comment(path, comment.text, comment.start, comment.end, comment.line, comment.inline)


def _start(raw: RawNode) -> int:
    return raw.start if type(raw) is RawAlias else raw.properties  # type: ignore[union-attr]


def place_comments(text: str, documents: Sequence[RawDocument]) -> PlacedComments:
    """Find every comment of the documents and its container.

    Args:
        text: what was parsed.
        documents: the raw nodes of all its documents; those without a map at the root are passed over.
    """
    if "#" not in text:
        return PlacedComments(())
    placed: list[Placed] = []
    lines = Lines(text)
    for number, document in enumerate(documents):
        first = documents[number - 1].end if number else 0
        last = len(text) if number + 1 == len(documents) else document.end
        if isinstance(document.root, RawMapping):
            own = _place(text, document.root, lines, first, last)
            before = documents[number - 1] if number else None
            placed += feet_of_marker(text, own, document, before)
        elif isinstance(document.root, RawScalar) and document.root.start == document.root.end:
            placed += _comments_alone(text, document.root, lines, first, last)
    return PlacedComments(placed)


def _place(text: str, root: RawMapping, lines: Lines, first: int, last: int) -> list[Placed]:
    tokens: list[Token] = []
    parents: dict[int, Collection] = {}
    _flatten_inside(root, tokens, parents)
    if root.flow:
        tokens.append(Token(root.end - 1, root.end, Kind.FLOW_END, root, root.start, root))
    return Placer(text, root, lines, parents).place(tokens, first, last)


def feet_of_marker(
    text: str, placed: list[Placed], document: RawDocument, before: RawDocument | None
) -> list[Placed]:
    """Comments right below `---` with a blank line behind them end the document above, or their own.

    go-yaml takes them for the foot of the marker, which counts as the end of what was before it.
    """
    first = before.end if before is not None else 0
    end = document.root.start
    if text.find("\n---", max(0, first - 1), end) < 0:
        return placed
    match = re.compile(_MARKER_FOOT).search(text, first, end)
    if match is None or match.start() == 0:
        return placed
    root = document.root if before is None or before.explicit_end else before.root
    if not isinstance(root, RawMapping | RawScalar):
        return placed
    start, end = match.span(1) if match[1] else match.span(2)
    return [
        Placed(root, float("inf"), item.comment) if start <= item.comment.start <= end else item
        for item in placed
    ]


class Lines:
    """Numbers of lines, counted from the last one that was asked for: most of a large file is one value."""

    def __init__(self, text: str) -> None:
        self._text = text
        possible = "\n\r" if text.isascii() else "\n\r\x85\u2028\u2029"
        self._breaks = [each for each in possible if each in text]
        self._windows = "\r" in text
        self._offset, self._number = 0, 1

    def number(self, offset: int) -> int:
        """The 1-based number of the line that holds an offset."""
        if offset >= self._offset:
            self._number += self._count(self._offset, offset)
        else:
            self._number -= self._count(offset, self._offset)
        self._offset = offset
        return self._number

    def _count(self, start: int, end: int) -> int:
        count = sum([self._text.count(each, start, end) for each in self._breaks])
        return count - self._text.count("\r\n", start, end) if self._windows else count


def _comment(text: str, lines: Lines, span: tuple[int, int], *, inline: bool = False) -> Comment:
    """A comment whose sign is where the span starts."""
    start, end = span
    return Comment((), text[start + 1 : end], start + 1, end, lines.number(start), inline)


def _comments_alone(text: str, root: RawScalar, lines: Lines, first: int, last: int) -> Iterator[Placed]:
    """All comments of a document without values."""
    for match in re.compile(_COMMENT).finditer(text, first, last):
        yield Placed(root, match.start(), _comment(text, lines, match.span()))


def _flatten(
    node: RawNode,
    kind: Kind,
    container: Collection,
    entry: int,
    tokens: list[Token],
    parents: dict[int, Collection],
) -> None:
    """Append the solid tokens below a node in source order, and note each collection's container.

    Empty scalars have no text and are left out. The parser has limited the depth.
    """
    if type(node) is RawScalar:
        if node.end > node.properties:
            tokens.append(Token(node.properties, node.end, kind, container, entry))
        return
    if type(node) is RawAlias:
        tokens.append(Token(node.start, node.end, kind, container, entry))
        return
    assert isinstance(node, RawMapping | RawSequence)  # noqa: S101 - the only kinds left
    parents[id(node)] = container
    if node.flow and not _has_entries(node):
        # Otherwise its first entry tells comments in front of it from those inside.
        tokens.append(Token(node.start, node.start + 1, Kind.FLOW_START, node, node.start))
    _flatten_inside(node, tokens, parents)
    if node.flow:
        tokens.append(Token(node.end - 1, node.end, Kind.FLOW_END, container, entry, node))


def _has_entries(node: Collection) -> bool:
    return bool(node.keys if isinstance(node, RawMapping) else node.items)


def _flatten_inside(node: Collection, tokens: list[Token], parents: dict[int, Collection]) -> None:
    if isinstance(node, RawSequence):
        for item in node.items:
            _flatten(item, Kind.ITEM, node, _start(item), tokens, parents)
        return
    for key, value in zip(node.keys, node.values, strict=True):
        entry = _start(key)
        _flatten(key, Kind.KEY, node, entry, tokens, parents)
        _flatten(value, Kind.VALUE, node, entry, tokens, parents)


class _Group(NamedTuple):
    """Comment lines that go-yaml keeps together, with the positions that decide where they go."""

    comments: list[Comment]
    head: bool
    column: int
    start: int
    token: int
    scan: int
    end: int


class Placer:
    """Finds out where the comments of one document belong."""

    def __init__(self, text: str, root: RawMapping, lines: Lines, parents: dict[int, Collection]) -> None:
        """Take a document.

        Args:
            text: the whole text.
            root: of the document.
            lines: of the text.
            parents: what holds each map and list, by its identity; those that are open in a gap are needed.
        """
        self._text = text
        self._root = root
        self._lines = lines
        self._parents = parents

    def place(self, tokens: Sequence[Token], first: int, last: int) -> list[Placed]:
        """The comments between two offsets."""
        text, placed = self._text, []
        previous: Token | None = None
        position = first
        for token in (*tokens, None):
            gap_end = last if token is None else token.start
            if text.find("#", position, gap_end) >= 0:
                placed += self.gap(previous, token, position, gap_end)
            if token is None:
                break
            if text[token.start] in "|>&!":
                placed += self.inner_comments(token)
            previous, position = token, max(position, token.end)
        return placed

    def _comment(self, match: re.Match[str], group: int = 0, *, inline: bool = False) -> Comment:
        return _comment(self._text, self._lines, match.span(group), inline=inline)

    def inner_comments(self, token: Token) -> Iterator[Placed]:
        """Comments inside a scalar's span: behind its tag or anchor, or behind `|` or `>`."""
        text = self._text
        properties = re.compile(PROPERTIES).match(text, token.start, token.end)
        content = properties.end() if properties else token.start
        for match in re.compile(_COMMENT).finditer(text, token.start, content):
            yield Placed(token.container, token.entry - 0.5, self._comment(match, inline=True))
        if header := re.compile(_BLOCK_HEADER).match(text, content, token.end):
            yield Placed(token.container, token.entry - 0.5, self._comment(header, 1, inline=True))

    def gap(self, before: Token | None, after: Token | None, start: int, end: int) -> list[Placed]:
        """All comments between two tokens."""
        text, placed = self._text, []
        found = list(re.compile(_COMMENT).finditer(text, start, end))
        lead = text[start : found[0].start()]
        sign = lead.strip(" \t")
        # A block scalar's span ends behind its last line break.
        at_line_start = start > 0 and text[start - 1] in "\r\n"
        on_line = before is not None and not at_line_start and not any(sign in lead for sign in _BREAKS)
        if on_line and not sign.endswith("-"):
            assert before is not None  # noqa: S101 - for the type checker; it is above
            placed.append(self._line_comment(before, after, sign, found.pop(0)))
            if not found:
                return placed
            start = placed[-1].comment.end
        block_end = end
        for match in found:
            flow, outermost = self._enclosing_flow(after, match.start())
            if flow is not None:
                block_end = min(block_end, outermost)
                placed.append(Placed(flow, match.start(), self._comment(match)))
        if block_end > start:
            if before is None and (marker := re.compile(_DOCUMENT_MARKER).search(text, start, block_end)):
                placed.append(Placed(self._root, marker.start(1), self._comment(marker, 1)))
            dash = re.compile(_DASH_ABOVE).search(text, start, block_end)
            if dash is not None and text.find("#", start, dash.start()) >= 0:
                # What comes next for the comments above it is the list item, not what the item holds.
                placed += self._block_gap(before, after, start, dash.end())
                start = dash.end()
            if dash is not None and before is not None:
                behind = list(self._behind_last_dash(before, after, found, start, block_end))
                placed += behind
                start = behind[-1].comment.end if behind else start
            placed += self._block_gap(before, after, start, block_end)
        return [*placed, *self._left_over(found, placed, after)]

    def _behind_last_dash(
        self, before: Token, after: Token | None, found: list[re.Match[str]], start: int, end: int
    ) -> Iterator[Placed]:
        """Comments behind the dash of an empty item that ends its list belong to what is around the list."""
        text = self._text
        dash = start
        for match in re.compile(_DASH_ABOVE).finditer(text, start, end):
            dash = match.end()
        column = dash - 1 - line_start(text, dash)
        outer = self._around_list(before, after, dash, column)
        if outer is None:
            return
        for match in found:
            first = match.start()
            if not dash <= first < end:
                continue
            if len(re.findall(_BREAK, text[dash:first])) > 1 or first - line_start(text, first) < column:
                return
            yield Placed(outer, first, self._comment(match))
            dash = match.end()

    def _around_list(self, before: Token, after: Token | None, dash: int, column: int) -> Collection | None:
        """What goes on around a list that ends with an empty item, a map or a list of lists; else None."""
        following: set[int] = set()
        node: Collection | None = after.container if after is not None else None
        while node is not None:
            if isinstance(node, RawSequence) and node.column == column and node.start < dash:
                return None
            following.add(id(node))
            node = self._parents.get(id(node))
        node = before.container
        while node is not None and not (isinstance(node, RawSequence) and node.column == column):
            node = self._parents.get(id(node))
        if node is None and before.kind is Kind.KEY:
            node = before.container
        while isinstance(node, RawSequence) and id(node) not in following:
            node = self._parents.get(id(node))
        return node

    def _left_over(
        self, found: list[re.Match[str]], placed: list[Placed], after: Token | None
    ) -> Iterator[Placed]:
        """Comments at places where go-yaml loses them, such as behind `...` or `%YAML`."""
        seen = {item.comment.start for item in placed}
        for match in found:
            if match.start() + 1 not in seen and not self._in_directive(match.start()):
                yield Placed(after.container if after else self._root, match.start(), self._comment(match))

    def _in_directive(self, offset: int) -> bool:
        line = self._text[line_start(self._text, offset) : offset]
        return line.startswith("%") and not line.endswith((" ", "\t"))

    def _line_comment(self, before: Token, after: Token | None, sign: str, match: re.Match[str]) -> Placed:
        comment = self._comment(match, inline=True)
        if sign[:1] == ":" and before.kind is Kind.KEY:
            if after is not None and sign[1:].strip():
                # Behind the anchor or tag of a collection.
                value = self._child(before.container, after.container)
                return Placed(
                    value, value.start - 0.5, comment._replace(inline=isinstance(value, RawSequence))
                )
            return Placed(before.container, before.entry - 0.5, comment._replace(inline=False))
        if before.kind is Kind.FLOW_END and sign in ("", ",") and isinstance(before.container, RawMapping):
            assert before.collection is not None  # noqa: S101 - every FLOW_END has one
            return Placed(before.collection, before.collection.start - 0.5, comment._replace(inline=False))
        return Placed(before.container, before.entry - 0.5, comment)

    def _child(self, container: Collection, inner: Collection) -> Collection:
        """The collection that a container holds itself, on the way down to an inner one."""
        node = inner
        while (parent := self._parents.get(id(node))) is not None and parent is not container:
            node = parent
        return node if parent is container else container

    def _enclosing_flow(self, after: Token | None, offset: int) -> tuple[Collection | None, int]:
        """The flow collection around an offset in front of a token, and where the outermost starts."""
        inner: Collection | None = None
        outermost = offset
        node = None if after is None else after.collection or after.container
        while node is not None:
            if node.flow and node.start < offset:
                inner, outermost = inner or node, node.start
            node = self._parents.get(id(node))
        return inner, outermost

    def _block_gap(self, before: Token | None, after: Token | None, start: int, end: int) -> list[Placed]:
        text = self._text
        first = start
        # Blank lines at the end of a block scalar are in its span, and count like those of the gap.
        while before is not None and start == before.end and text[first - 1] in _BLANKS:
            first -= 1
        lines = _lines(text, first, end)
        if not any(column >= 0 for _, column, _ in lines):
            return []
        next_column, next_container, next_start = self._next(after, end)
        chain = self._block_chain(before)
        indent = chain[0][1] if chain else -1
        groups = self._groups(before, lines, start, max(indent, 0), next_column, end)
        ends = _block_ends(groups, chain, next_column, start - 1)
        foot = self._foot_of(before, next_container)
        return list(_assign(groups, ends, before, foot, next_container, next_start))

    def _foot_of(self, before: Token | None, next_container: Collection) -> Collection:
        """Where the foot of a token goes; that of a key waits for its value, if one follows."""
        if before is None:
            return self._root
        node: Collection | None = next_container if before.kind is Kind.KEY else None
        while node is not None and node is not before.container:
            node = self._parents.get(id(node))
        return before.container if node is None else next_container

    def _next(self, after: Token | None, end: int) -> tuple[int, Collection, float]:
        """Column, container and entry of what follows a gap.

        At the end of a document that is the `sops` key: encrypted files have it there, and a comment
        must have the same path before and after.
        """
        text = self._text
        first = line_start(text, end)
        indentation = len(text[first:end]) - len(text[first:end].lstrip(" "))
        dash = text[first + indentation : first + indentation + 1] == "-" and first + indentation < end
        if after is None:
            return indentation if dash else self._root.column, self._root, float("inf")
        container: Collection | None = after.container
        entry = float(after.entry)
        if dash:
            while container is not None and not (
                isinstance(container, RawSequence) and container.column == indentation
            ):
                entry = float(_start(container))
                container = self._parents.get(id(container))
        return indentation, container or after.container, entry

    def _block_chain(self, before: Token | None) -> list[tuple[Collection, int]]:
        """Open block collections behind a token, innermost first, with go-yaml's indentation."""
        chain: list[tuple[Collection, int]] = []
        node: Collection | None = before.container if before is not None else None
        while node is not None:
            parent = self._parents.get(id(node))
            if not node.flow:
                indentless = (
                    isinstance(node, RawSequence)
                    and isinstance(parent, RawMapping)
                    and parent.column == node.column
                )
                if not indentless:
                    chain.append((node, node.column))
            node = parent
        return chain

    def _groups(
        self,
        before: Token | None,
        lines: list[tuple[int, int, int]],
        start: int,
        indent: int,
        next_column: int,
        end: int,
    ) -> list[_Group]:
        """Split the comment lines of a gap as `yaml_parser_scan_comments` does."""
        groups: list[_Group] = []
        current: _Group | None = None
        token = before.start if before is not None else -1
        scan = start
        after_colon = before is not None and before.kind is Kind.KEY
        first_empty = not lines or lines[0][1] >= 0
        recent_empty = False
        touching = before is not None and first_empty
        for number, (offset, column, line_end) in enumerate(lines):
            if column < 0:
                if recent_empty:
                    continue
                dedented = current is not None and current.column < indent
                foot = number and current is not None and touching and not after_colon
                if first_empty and current is not None and (foot or dedented):
                    groups.append(
                        current._replace(head=False, token=current.start if dedented else token, end=offset)
                    )
                    scan = token = offset
                    current = None
                first_empty, recent_empty, touching = False, True, False
                continue
            recent_empty = False
            if current is not None and column < indent and column != current.column:
                groups.append(current._replace(head=False, token=token, end=offset))
                scan = token = offset + column
                current = None
                touching = False
            comment = _comment(self._text, self._lines, (offset + column, line_end))
            if current is None:
                current = _Group([comment], True, column, offset + column, token, scan, end)
            else:
                current.comments.append(comment)
        if current is not None:
            if next_column < indent and next_column != current.column:
                groups.append(current._replace(head=False, token=token))
            else:
                groups.append(current._replace(token=current.start))
        return groups


def _lines(text: str, start: int, end: int) -> list[tuple[int, int, int]]:
    """The lines of a gap below its first: (offset, column of the comment sign or -1 if blank, end).

    Blank lines in a row count as one. go-yaml takes the line feed of CR LF behind a comment for a blank
    line of its own.
    """
    lines: list[tuple[int, int, int]] = []
    if start > 0 and text[start - 1] not in _BREAKS:
        first = re.compile(_BREAK).search(text, start, end)
        if first is None:
            return lines
        start = first.end()
    for match in re.compile(_LINE).finditer(text, start, end):
        if match.lastgroup == "blank":
            lines.append((match.start(), -1, match.start()))
        elif match.lastgroup == "comment":
            column, line_end = match.start("comment") - match.start(), match.end("comment")
            lines.append((match.start(), column, line_end))
            # A file that ends here gets such a line break in front of its sops block.
            ends_file = line_end == len(text) and "\r\n" in text
            if ends_file or text.startswith("\r\n", line_end):
                lines.append((line_end + 1, -1, line_end + 1))
    return lines


def _block_ends(
    groups: list[_Group], chain: list[tuple[Collection, int]], next_column: int, mark: int
) -> list[tuple[Collection, int]]:
    """The blocks that end in a gap, with the position of the end as `yaml_parser_unroll_indent` sets it."""
    ends: list[tuple[Collection, int]] = []
    for collection, indent in chain:
        if indent <= next_column:
            break
        stop = mark
        for group in reversed(groups):
            if group.end < stop:
                break
            if group.column == indent:
                mark = group.start
            stop = group.scan
        ends.append((collection, mark))
    return ends


def _assign(
    groups: list[_Group],
    ends: list[tuple[Collection, int]],
    before: Token | None,
    foot: Collection,
    next_container: Collection,
    next_entry: float,
) -> Iterator[Placed]:
    for group in groups:
        behind = float("-inf")
        if group.head:
            container, behind = next_container, next_entry - 0.5
        elif before is not None and group.token == before.start:
            container = foot
        else:
            container = _ended_map(ends, group.token) or next_container
        for comment in group.comments:
            order = comment.start if behind < 0 else min(comment.start, behind)
            yield Placed(container, order, comment)


def _ended_map(ends: list[tuple[Collection, int]], token: int) -> RawMapping | None:
    """The map whose end takes the foot comments from `token` on; the end of a list passes them on."""
    for index, (_, mark) in enumerate(ends):
        if mark >= token:
            return next((outer for outer, _ in ends[index:] if isinstance(outer, RawMapping)), None)
    return None
