"""The `sops` block of a YAML file: where it stands, and the edit that adds, replaces or removes it."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache

from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.document import Comment, Data, Entry, Mapping, Style
from fluxsecrets.sops.formats import Edit
from fluxsecrets.sops.metadata import Metadata

from .former import FormerBlock
from .nodes import RawDocument, RawMapping, RawScalar, line_start
from .scalars import Layout, plain_text, scalar_text

KEY = "sops"
_BREAKS = "\r\n\x85\u2028\u2029"
_COMMENT = r"#[^\r\n\x85\u2028\u2029]*"
_LINE = r"[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|\Z)"


class _Comma(Enum):
    NONE = auto()
    IN_FRONT = auto()
    BEHIND = auto()


class PartLayout(NamedTuple):
    """Where one YAML document's block stands or would go; offsets in characters.

    Attributes:
        empty: nothing to encrypt and no block: the document stays as it is.
        alone: the block is the only entry, as sops writes an empty map.
        flow: the root is a `{}` map.
        column: of the root map's keys.
        insert: where a new block goes.
        start, end: the span of the existing block with its line break or comma, or None.
        comma: in a flow root, the comma that comes and goes with the block.
    """

    empty: bool
    flow: bool = False
    column: int = 0
    insert: int = 0
    start: int | None = None
    end: int = 0
    comma: _Comma = _Comma.NONE
    alone: bool = False


class _KeyPlace(NamedTuple):
    """Where a key of the root map stands."""

    text: str | None
    start: int
    end: int


def part_layout(source: str, document: RawDocument) -> PartLayout:
    """Find the place of the block in one document whose root is a map, or nothing."""
    root = document.root
    if not isinstance(root, RawMapping):
        return PartLayout(empty=True)
    keys = [
        _KeyPlace(key.text if isinstance(key, RawScalar) else None, key.start, key.end) for key in root.keys
    ]
    if root.flow:
        return _flow_layout(source, root, _found(keys))
    return _block_layout(source, document, root, keys)


def direct_layout(source: str, document: RawDocument, tree: Mapping) -> PartLayout:
    """The same for a document that was read directly: its root has no nodes, and the tree has the keys."""
    root = document.root
    assert isinstance(root, RawMapping)  # noqa: S101 - it is read as a map
    keys = [_KeyPlace(each.key, each.start, each.end) for each in tree.entries if isinstance(each, Entry)]
    return _block_layout(source, document, root, keys)


def _found(keys: list[_KeyPlace]) -> int | None:
    return next((number for number, key in enumerate(keys) if key.text == KEY), None)


def _block_layout(source: str, document: RawDocument, root: RawMapping, keys: list[_KeyPlace]) -> PartLayout:
    found = _found(keys)
    layout = PartLayout(empty=False, column=root.column, insert=document.end)
    if found is None:
        return layout
    start = line_start(source, keys[found].start)
    limit = keys[found + 1].start if found + 1 < len(keys) else root.end
    end = _content_end(source, keys[found].end, limit, root.column)
    if len(keys) == 1:
        return PartLayout(False, column=root.column, insert=document.end, start=start, end=end, alone=True)
    if end == len(source) and source[end - 1 : end] not in _BREAKS and start:
        # Appended to a file without a final line break: that break is the block's own.
        start -= 2 if source[start - 2 : start] == "\r\n" else 1
    return PartLayout(False, column=root.column, insert=document.end, start=start, end=end)


def _content_end(source: str, position: int, limit: int, column: int) -> int:
    """Behind the line break of the block's last line; comments and blank lines below are not its own."""
    last = last_indented_line(source, position, limit, column)
    return content_end_by_lines(source, position, limit, column) if last is None else last


def content_end_by_lines(source: str, position: int, limit: int, column: int) -> int:
    """The end of a block's last line that has text of the block, looked for line by line."""
    end = position
    for match in re.compile(_LINE).finditer(source, position, limit):
        line = match[0]
        text = line.strip()
        indented = line[: column + 1].strip(" ") == "" if match.start() > position else True
        if text and not text.startswith("#") and (indented or text.startswith(("-", "{", "}"))):
            end = match.end()
    return end


def last_indented_line(source: str, position: int, limit: int, column: int) -> int | None:
    """The same where the last line with text is the block's own beyond doubt, as it usually is; or None."""
    text = source[position:limit]
    if "#" in text or "\r" in text or not text.isascii():
        return None
    last = position + len(text.rstrip(" \n"))
    start = source.rfind("\n", position, last) + 1
    if start <= position or source[start : start + column + 1].strip(" "):
        return None
    newline = source.find("\n", last, limit)
    return limit if newline < 0 else newline + 1


def _flow_layout(source: str, root: RawMapping, found: int | None) -> PartLayout:
    # The block stands last, right in front of the closing brace, so that comments keep their places.
    close = root.end - 1
    if found is None:
        return PartLayout(False, flow=True, insert=close, comma=_comma(source, root))
    start, end = root.keys[found].start, root.values[found].end
    before = re.compile(r",[ \t]*\Z").search(source, root.start, start)
    after = re.compile(r"\s*,").match(source, end, close)
    last = found + 1 == len(root.keys)
    if after is not None and (last or before is None):
        return PartLayout(False, flow=True, start=start, end=after.end(), comma=_Comma.BEHIND)
    if before is not None:
        return PartLayout(False, flow=True, start=before.start(), end=end, comma=_Comma.IN_FRONT)
    return PartLayout(False, flow=True, start=start, end=end, comma=_Comma.NONE)


def _comma(source: str, root: RawMapping) -> _Comma:
    """Where a new last entry needs its comma, so that removing both gives the text back."""
    if not root.keys:
        return _Comma.NONE
    gap = re.sub(_COMMENT, "", source[root.values[-1].end : root.end - 1])
    return _Comma.BEHIND if "," in gap else _Comma.IN_FRONT


def block_edit(
    source: str,
    part: PartLayout,
    data: dict[str, object] | None,
    layout: Layout,
    former: FormerBlock | None = None,
) -> Edit | None:
    """The edit that adds, replaces or removes a document's block; None where nothing changes.

    Args:
        source: the whole file.
        part: from `part_layout`.
        data: the block's content, or None to remove it.
        layout: the file's line break and indentation; the block is indented alike.
        former: the block's text, in the layout that it had; for a document with the same column.
    """
    if part.empty or (data is None and part.start is None):
        return None
    if data is None:
        closed = source[part.end - 1 : part.end] in _BREAKS
        left = " " * part.column + "{}" + (layout.newline if closed else "") if part.alone else ""
        return (part.start or 0, part.end, left)
    if part.flow:
        return _flow_edit(part, data)
    if former is not None and former.column == part.column:
        text = former.text
    else:
        text = indented(render_block({KEY: data}, layout.step), part.column, layout)
    if part.start is None:
        start = end = part.insert
    else:
        start, end = part.start, part.end
    ends_file = end == len(source)
    if start and source[start - 1] not in _BREAKS:
        return (start, end, layout.newline + text)
    if part.start is not None and start and ends_file and source[end - 1] not in _BREAKS:
        return (start, end, layout.newline + text)
    return (start, end, text + layout.newline)


def with_comments(
    source: str, part: PartLayout, root: Mapping, block: Edit, edits: list[Edit], layout: Layout
) -> list[Edit]:
    """All edits, with comments that stand inside of the old block put on lines of their own above it.

    go-yaml writes a comment that is on the line of an alias behind the next key, which may be `sops`.
    """
    start, end, text = block
    inside = {
        (item.start, item.end): item.text
        for item in root.entries
        if isinstance(item, Comment) and start <= item.start and item.end <= end
    }
    if part.start is None or part.flow or not inside:
        return [*edits, block]
    inside.update({(first, last): new for first, last, new in edits if (first, last) in inside})
    others = [edit for edit in edits if edit[:2] not in inside]
    lines = layout.newline.join(" " * part.column + "#" + comment for comment in inside.values())
    if source[start] in _BREAKS:  # the block's own, in front of it
        text = text.removeprefix(layout.newline)
        return [*others, (start, end, layout.newline + lines + (layout.newline + text if text else ""))]
    return [*others, (start, end, lines + layout.newline + text)]


def indented(lines: list[str], column: int, layout: Layout) -> str:
    """Lines as one text, at a column."""
    return layout.newline.join(" " * column + line if line else "" for line in lines)


def former_block(source: str, part: PartLayout, metadata: Metadata | None) -> FormerBlock | None:
    """The block as it is written in a file, or None for a file without one or in flow style."""
    if part.start is None or part.flow or metadata is None:
        return None
    text = source[part.start : part.end].strip(_BREAKS)
    return FormerBlock(text, part.column, metadata)


def _flow_edit(part: PartLayout, data: dict[str, object]) -> Edit:
    import json  # few files are in flow style

    text = f'"{KEY}": {json.dumps(data, ensure_ascii=False)}'
    text = {_Comma.IN_FRONT: f", {text}", _Comma.BEHIND: f"{text},", _Comma.NONE: text}[part.comma]
    return (part.insert, part.insert, text) if part.start is None else (part.start, part.end, text)


def render_block(data: Data | object, step: int) -> list[str]:
    """Plain data as lines of block-style YAML, laid out as go-yaml does."""
    if isinstance(data, dict | list) and data:
        return _lines(data, 0, step)
    return [line.removeprefix("- ") for line in _entry("-", data, 0, step)]


def _lines(data: object, column: int, step: int) -> list[str]:
    lines: list[str] = []
    if isinstance(data, dict):
        for key, value in data.items():
            lines += _entry(f"{' ' * column}{_key(str(key))}:", value, column, step)
    elif isinstance(data, list):
        for item in data:
            if isinstance(item, (dict, list)) and item:
                inner = _lines(item, column + 2, step)
                lines += [" " * column + "- " + inner[0][column + 2 :], *inner[1:]]
            else:
                lines += _entry(" " * column + "-", item, column, step)
    return lines


@lru_cache(maxsize=256)  # blocks have few different keys, and every file has them
def _key(text: str) -> str:
    return scalar_text(text, Style.PLAIN, flow=False)


def _entry(head: str, value: object, column: int, step: int) -> list[str]:
    if isinstance(value, (dict, list)):
        if not value:
            return [head + (" {}" if isinstance(value, dict) else " []")]
        return [head, *_lines(value, _next_column(column, step), step)]
    if isinstance(value, bytes):
        from base64 import b64encode

        encoded = b64encode(value).decode()
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return [f"{head} !!binary {encoded}"]
    if isinstance(value, str):
        text = scalar_text(value, Style.PLAIN, flow=False, indent=_next_column(column, step))
        return f"{head} {text}".split("\n")
    return [f"{head} {plain_text(value)}"]  # type: ignore[arg-type]


def _next_column(column: int, step: int) -> int:
    # go-yaml indents to the next multiple, which is one column pair less below a list item.
    return step * ((column + step) // step)
