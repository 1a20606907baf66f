"""Aliases written out where encryption would tear them from their anchor.

A ciphertext is bound to its path, so that an anchor and its alias can't share one. Aliases in parts that
stay plain are kept. A merge key is resolved into its map, as sops's reader of Kubernetes manifests sees
it; sops itself writes a nested copy under `!!merge <<` (`nodeToTreeValue` in stores/yaml/store.go).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection as Container
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from fluxsecrets.sops.document import Comment, Leaf, Style
from fluxsecrets.sops.formats import Edit

from .build import is_merge_key, key_text, scalar_value
from .nodes import RawAlias, RawDocument, RawMapping, RawNode, RawScalar, RawSequence
from .scalars import BREAK, Layout, block_end, plain_text, scalar_text


class Expansion(NamedTuple):
    """How the aliases of one text are written out.

    Attributes:
        comments: all of the text, in source order.
        blocks: text of several lines may be written as a block scalar. What follows an alias can become
            part of one.
    """

    source: str
    layout: Layout
    comments: Sequence[Comment]
    blocks: bool = True


def expansion_edits(
    expansion: Expansion, documents: Sequence[RawDocument], encrypted: Sequence[Leaf | Comment]
) -> list[Edit]:
    """The edits that write out each alias whose value is encrypted here or at its anchor.

    Args:
        expansion: the plain text, and how to write.
        documents: its raw nodes.
        encrypted: the values and comments that are going to be encrypted; values reached through an
            alias carry its place in the text.

    Returns:
        The edits for each alias, or for a merge key with all its aliases; empty where every alias may stay.
    """
    uses = [use for document in documents for use in _uses(document.root)]
    through_alias = {item.start for item in encrypted if isinstance(item, Leaf) and item.alias}
    # An alias counts below an anchor as well: it is written out, and then encrypted there.
    starts = sorted(item.start for item in encrypted)
    torn = {
        id(alias.target)
        for _, _, aliases in uses
        for alias in aliases
        if alias.start in through_alias or _holds_any(alias.target, starts)
    }
    edits: list[Edit] = []
    for parent, index, aliases in uses:
        if not any(id(alias.target) in torn for alias in aliases):
            continue
        if index is None:
            name = scalar_text(key_text(aliases[0]), Style.PLAIN, flow=parent.flow)
            edits.append((aliases[0].start, aliases[0].end, name))
        elif isinstance(parent, RawMapping) and _is_merge(parent, index):
            edits.append(_merge_edit(expansion, parent, index))
        else:
            edits += _alias_edits(expansion, parent, index, aliases[0])
    return edits


_Use = tuple[RawMapping | RawSequence, int | None, list[RawAlias]]


def _uses(root: RawNode) -> Iterator[_Use]:
    """Every alias in the text with the collection that holds it, and its number there, None for a key.

    A merge key gives all of its own.
    """
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, RawSequence):
            for index, item in enumerate(node.items):
                if isinstance(item, RawAlias):
                    yield node, index, [item]
            pending += node.items
        elif isinstance(node, RawMapping):
            for index, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
                if isinstance(key, RawAlias):
                    yield node, None, [key]
                if isinstance(value, RawAlias):
                    yield node, index, [value]
                elif isinstance(value, RawSequence) and _is_merge(node, index):
                    aliases = [item for item in value.items if isinstance(item, RawAlias)]
                    if aliases:
                        yield node, index, aliases
                    continue
                pending.append(value)


def _is_merge(mapping: RawMapping, index: int) -> bool:
    return is_merge_key(mapping.keys[index])


def _holds_any(node: RawNode, starts: Sequence[int]) -> bool:
    first = node.start if isinstance(node, RawAlias) else node.properties
    index = bisect_left(starts, first)
    return index < len(starts) and starts[index] < max(node.end, first + 1)


def _alias_edits(
    expansion: Expansion, parent: RawMapping | RawSequence, index: int, alias: RawAlias
) -> list[Edit]:
    source, layout = expansion.source, expansion.layout
    target = _resolved(alias)
    if parent.flow or isinstance(target, RawScalar) or not _children(target):
        return [_inline_edit(expansion, parent, alias)]
    comment = re.compile(r"[ \t]+#").match(source, alias.end)
    if isinstance(parent, RawSequence):
        if comment is not None:
            # Behind a flow list or map, it stays a comment of the outer list.
            return [(alias.start, alias.end, _inline(expansion, target, flow=True, column=None))]
        lines = _lines(expansion, target, alias.column)
        return [(alias.start, alias.end, layout.newline.join([lines[0].lstrip(" "), *lines[1:]]))]
    text = "".join(layout.newline + line for line in _lines(expansion, target, parent.column + layout.step))
    start = len(source[: alias.start].rstrip(" "))
    if comment is None:
        return [(start, alias.end, text)]
    # On the line of the key, it stays a comment of the outer map.
    head, behind = parent.keys[index].end, source[alias.end : comment.end() - 1]
    found = next(_comments_in(expansion, alias.end, len(source)))
    if source.find("#", head, alias.start) < 0:
        colon = source.index(":", head, alias.start) + 1
        return [(colon, found.end, f"{behind}#{found.text}{text}")]
    return [(start, alias.end, ""), (found.end, found.end, text)]


def _inline_edit(expansion: Expansion, parent: RawMapping | RawSequence, alias: RawAlias) -> Edit:
    target, column = _resolved(alias), parent.column + expansion.layout.step
    keeps = isinstance(target, RawScalar) and target.text.endswith("\n\n")
    end = None if parent.flow else block_end(expansion.source, alias.end, column, keeps=keeps)
    text = _inline(expansion, target, flow=parent.flow, column=None if end is None else column)
    return (alias.start, alias.end if end is None or "\n" not in text else end, text)


def _merge_edit(expansion: Expansion, parent: RawMapping, index: int) -> Edit:
    source, layout = expansion.source, expansion.layout
    own = {key_text(key) for number, key in enumerate(parent.keys) if number != index}
    entries = _merged_entries(parent.values[index], own)
    key, value = parent.keys[index], parent.values[index]
    start, end = key.properties if isinstance(key, RawScalar) else key.start, value.end
    if parent.flow:
        texts = [_flow_entry(expansion, name, node) for name, node in entries]
        return (start, end, ", ".join(texts)) if texts else _empty_flow_edit(source, start, end)
    # Comments of a merge are comments of the map: they stand above what is merged into it.
    if re.compile(r"[ \t]*(?:#|\Z|[\r\n])").match(source, end):
        line_end = re.compile(BREAK).search(source, end)
        end = line_end.start() if line_end else len(source)
    above = [f"#{each.text}" for each in _comments_in(expansion, start, end)]
    lines = [line for name, node in entries for line in _entry_lines(expansion, name, node, parent.column)]
    if not lines and index + 1 == len(parent.keys):
        lines = [" " * parent.column + "{}"] if len(parent.keys) == 1 else []
    if lines or above:
        lines = [*(" " * parent.column + comment for comment in above), *lines]
        return (start, end, layout.newline.join([lines[0].lstrip(" "), *lines[1:]]))
    if index + 1 < len(parent.keys):
        following = parent.keys[index + 1]
        return (start, following.properties if isinstance(following, RawScalar) else following.start, "")
    return (start, end, "")


def _comments_in(expansion: Expansion, start: int, end: int) -> Iterator[Comment]:
    first = bisect_left(expansion.comments, start, key=attrgetter("start"))
    for comment in islice(expansion.comments, first, None):
        if comment.end > end:
            return
        yield comment


def _empty_flow_edit(source: str, start: int, end: int) -> Edit:
    rest = source[end:].lstrip()
    return (start, len(source) - len(rest) + 1 if rest.startswith(",") else end, "")


def _merged_entries(value: RawNode, own: Container[str]) -> list[tuple[str, RawNode]]:
    """Keys that a merge brings in: the map's own win, then the first of several sources."""
    sources = value.items if isinstance(value, RawSequence) else [value]
    merged: dict[str, RawNode] = {}
    for source in sources:
        mapping = _resolved(source)
        if not isinstance(mapping, RawMapping):
            continue
        for index, (key, node) in enumerate(zip(mapping.keys, mapping.values, strict=True)):
            nested = _merged_entries(node, own) if _is_merge(mapping, index) else [(key_text(key), node)]
            for name, found in nested:
                if name not in own:
                    merged.setdefault(name, found)
    return list(merged.items())


def _resolved(node: RawNode) -> RawScalar | RawMapping | RawSequence:
    while isinstance(node, RawAlias):
        node = node.target
    return node


def _children(node: RawNode) -> list[tuple[str, RawNode]] | list[RawNode]:
    if isinstance(node, RawSequence):
        return node.items
    if isinstance(node, RawMapping):
        merges = [number for number in range(len(node.keys)) if _is_merge(node, number)]
        own = {key_text(key) for number, key in enumerate(node.keys) if number not in merges}
        entries = [
            (key_text(key), value)
            for number, (key, value) in enumerate(zip(node.keys, node.values, strict=True))
            if number not in merges
        ]
        return entries + [entry for number in merges for entry in _merged_entries(node.values[number], own)]
    return []


def _lines(expansion: Expansion, node: RawNode, column: int) -> list[str]:
    """A map or list as lines of block style at a column."""
    lines: list[str] = []
    layout = expansion.layout
    for child in _children(_resolved(node)):
        if isinstance(child, tuple):
            lines += _entry_lines(expansion, *child, column)
            continue
        item = _resolved(child)
        if isinstance(item, RawScalar) or not _children(item):
            text = _inline(expansion, item, flow=False, column=column + layout.step)
            lines += f"{' ' * column}- {text}".split(layout.newline)
        else:
            inner = _lines(expansion, item, column + 2)
            lines += [f"{' ' * column}- {inner[0].lstrip(' ')}", *inner[1:]]
    return lines


def _entry_lines(expansion: Expansion, name: str, value: RawNode, column: int) -> list[str]:
    layout = expansion.layout
    head = " " * column + scalar_text(name, Style.PLAIN, flow=False) + ":"
    value = _resolved(value)
    if isinstance(value, RawScalar) or not _children(value):
        text = _inline(expansion, value, flow=False, column=column + layout.step)
        return (f"{head} {text}" if text else head).split(layout.newline)
    return [head, *_lines(expansion, value, column + layout.step)]


def _flow_entry(expansion: Expansion, name: str, value: RawNode) -> str:
    key = scalar_text(name, Style.PLAIN, flow=True)
    return f"{key}: {_inline(expansion, value, flow=True, column=None)}"


def _inline(expansion: Expansion, node: RawNode, *, flow: bool, column: int | None) -> str:
    """A scalar, or a collection in flow style, on the line of its key.

    Args:
        expansion: how to write.
        node: what is written.
        flow: inside of a flow collection.
        column: of the lines of a block scalar, or None where none can stand.
    """
    node = _resolved(node)
    if isinstance(node, RawSequence):
        items = (_inline(expansion, item, flow=True, column=None) for item in node.items)
        return "[" + ", ".join(items) + "]"
    if isinstance(node, RawMapping):
        entries = [_flow_entry(expansion, *child) for child in _children(node) if isinstance(child, tuple)]
        return "{" + ", ".join(entries) + "}"
    value = scalar_value(node)
    if not isinstance(value, str):
        own = node.style is Style.PLAIN and node.tag is None and (node.text or not flow)
        return node.text if own else plain_text(value) or "null"
    style = node.style if node.style in (Style.SINGLE_QUOTED, Style.DOUBLE_QUOTED) else Style.PLAIN
    indent = None if flow or not expansion.blocks else column
    return scalar_text(value, style, flow=flow, indent=indent, newline=expansion.layout.newline)
