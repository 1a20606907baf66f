"""The `sops` block of a YAML document: its text, where it goes, and how it is taken out again."""

from __future__ import annotations

import re
from base64 import b64encode
from enum import Enum, auto
from typing import NamedTuple

from fluxsecrets.sops.document import Data, Style
from fluxsecrets.sops.formats import Edit

from .nodes import RawDocument, RawMapping, RawScalar, line_start
from .scalars import plain_text
from .write import Layout, scalar_text

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


def part_layout(source: str, document: RawDocument) -> PartLayout:
    """Find the place of the block in one document whose root is a map, or nothing."""
    root = document.root
    if not isinstance(root, RawMapping):
        return PartLayout(empty=True)
    keys = [key.text if isinstance(key, RawScalar) else None for key in root.keys]
    found = keys.index(KEY) if KEY in keys else None
    if root.flow:
        return _flow_layout(source, root, found)
    layout = PartLayout(empty=False, column=root.column, insert=document.end)
    if found is None:
        return layout
    start = line_start(source, root.keys[found].start)
    end = _content_end(source, root, found)
    if end == len(source) and source[end - 1 : end] not in _BREAKS and start:
        # Appended to a file without a final line break: that break is the block's own.
        start -= 2 if source[start - 2 : start] == "\r\n" else 1
    return PartLayout(False, column=root.column, insert=document.end, start=start, end=end)


def _content_end(source: str, root: RawMapping, found: int) -> int:
    """Behind the line break of the block's last line; comments and blank lines below are not its own."""
    limit = root.keys[found + 1].start if found + 1 < len(root.keys) else root.end
    column = root.column
    position = root.keys[found].end
    end = position
    for match in re.compile(_LINE).finditer(source, position, limit):
        line = match[0]
        text = line.strip()
        indented = line[: column + 1].strip(" ") == "" if match.start() > position else True
        if text and not text.startswith("#") and (indented or text.startswith(("-", "{", "}"))):
            end = match.end()
    return end


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


def block_edit(source: str, part: PartLayout, data: dict[str, object] | None, layout: Layout) -> Edit | None:
    """The edit that adds, replaces or removes a document's block; None where nothing is to do.

    Args:
        source: the whole file.
        part: from `part_layout`.
        data: the block's content, or None to remove it.
        layout: the file's line break and indentation; the block is indented alike.
    """
    if part.empty or (data is None and part.start is None):
        return None
    if data is None:
        return (part.start or 0, part.end, "")
    if part.flow:
        return _flow_edit(part, data)
    text = layout.newline.join(
        " " * part.column + line if line else "" for line in render_block({KEY: data}, layout.step)
    )
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


def _flow_edit(part: PartLayout, data: dict[str, object]) -> Edit:
    import json  # few files are in flow style

    text = f'"{KEY}": {json.dumps(data, ensure_ascii=False)}'
    text = {_Comma.IN_FRONT: f", {text}", _Comma.BEHIND: f"{text},", _Comma.NONE: text}[part.comma]
    return (part.insert, part.insert, text) if part.start is None else (part.start, part.end, text)


def render_block(data: Data | object, step: int) -> list[str]:
    """Plain data as lines of block-style YAML, laid out as go-yaml does."""
    return _lines(data, 0, step)


def _lines(data: object, column: int, step: int) -> list[str]:
    lines: list[str] = []
    if isinstance(data, dict):
        for key, value in data.items():
            lines += _entry(
                " " * column + scalar_text(str(key), Style.PLAIN, flow=False) + ":", value, column, step
            )
    elif isinstance(data, list):
        for item in data:
            if isinstance(item, (dict, list)) and item:
                inner = _lines(item, column + 2, step)
                lines += [" " * column + "- " + inner[0][column + 2 :], *inner[1:]]
            else:
                lines += _entry(" " * column + "-", item, column, step)
    return lines


def _entry(head: str, value: object, column: int, step: int) -> list[str]:
    if isinstance(value, (dict, list)):
        if not value:
            return [head + (" {}" if isinstance(value, dict) else " []")]
        return [head, *_lines(value, _next_column(column, step), step)]
    if isinstance(value, bytes):
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
