"""Aliases written out where encryption would tear them from their anchor.

A ciphertext is bound to its path, so that an anchor and its alias can't share one. Aliases in parts that
stay plain are kept. A merge key is resolved into its map, as sops's reader of Kubernetes manifests sees
it; sops itself writes a nested copy under `!!merge <<` (`nodeToTreeValue` in stores/yaml/store.go).
"""

from __future__ import annotations

from collections.abc import Collection as Container
from collections.abc import Iterator, Sequence

from fluxsecrets.sops.document import Leaf, Style
from fluxsecrets.sops.formats import Edit

from .build import is_merge_key, key_text, scalar_value
from .nodes import RawAlias, RawDocument, RawMapping, RawNode, RawScalar, RawSequence
from .scalars import Layout, scalar_text


def expansion_edits(
    source: str, documents: Sequence[RawDocument], encrypted: Sequence[Leaf], layout: Layout
) -> list[Edit]:
    """The edits that write out each alias whose value is encrypted here or at its anchor.

    Args:
        source: the plain text.
        documents: its raw nodes.
        encrypted: the leaves that are going to be encrypted; those reached through an alias carry its
            place in the text.
        layout: the file's line break and indentation.

    Returns:
        One edit an alias, or a merge key with all its aliases; empty where every alias may stay.
    """
    uses = [use for document in documents for use in _uses(document.root)]
    through_alias = {leaf.start for leaf in encrypted if leaf.alias}
    # An alias counts below an anchor as well: it is written out, and then encrypted there.
    starts = sorted(leaf.start for leaf in encrypted)
    torn = {
        id(alias.target)
        for _, _, aliases in uses
        for alias in aliases
        if alias.start in through_alias or _holds_any(alias.target, starts)
    }
    edits = []
    for parent, index, aliases in uses:
        if not any(id(alias.target) in torn for alias in aliases):
            continue
        if isinstance(parent, RawMapping) and _is_merge(parent, index):
            edits.append(_merge_edit(source, parent, index, layout))
        else:
            edits.append(_alias_edit(source, parent, aliases[0], layout))
    return edits


_Use = tuple[RawMapping | RawSequence, int, list[RawAlias]]


def _uses(root: RawNode) -> Iterator[_Use]:
    """Every alias in the text with the collection that holds it; a merge key gives all of its own."""
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, RawSequence):
            for index, item in enumerate(node.items):
                if isinstance(item, RawAlias):
                    yield node, index, [item]
            pending += node.items
        elif isinstance(node, RawMapping):
            for index, value in enumerate(node.values):
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
    return any(first <= start < max(node.end, first + 1) for start in starts)


def _alias_edit(source: str, parent: RawMapping | RawSequence, alias: RawAlias, layout: Layout) -> Edit:
    target = _resolved(alias)
    if parent.flow or isinstance(target, RawScalar) or not _children(target):
        # A block scalar would take a comment behind the alias into its value.
        rest_of_line = source[alias.end :].split("\n", 1)[0]
        column = None if rest_of_line.strip() else parent.column + layout.step
        return (alias.start, alias.end, _inline(target, flow=parent.flow, column=column, layout=layout))
    if isinstance(parent, RawSequence):
        lines = _lines(target, parent.column + 2, layout)
        return (alias.start, alias.end, layout.newline.join([lines[0].lstrip(" "), *lines[1:]]))
    lines = _lines(target, parent.column + layout.step, layout)
    start = len(source[: alias.start].rstrip(" "))
    return (start, alias.end, layout.newline + layout.newline.join(lines))


def _merge_edit(source: str, parent: RawMapping, index: int, layout: Layout) -> Edit:
    own = {key_text(key) for number, key in enumerate(parent.keys) if number != index}
    entries = _merged_entries(parent.values[index], own)
    key, value = parent.keys[index], parent.values[index]
    start = key.properties if isinstance(key, RawScalar) else key.start
    if parent.flow:
        texts = [_flow_entry(name, node, layout) for name, node in entries]
        return (start, value.end, ", ".join(texts)) if texts else _empty_flow_edit(source, start, value.end)
    lines = [line for name, node in entries for line in _entry_lines(name, node, parent.column, layout)]
    if lines:
        lines[0] = lines[0].lstrip(" ")
        return (start, value.end, layout.newline.join(lines))
    if index + 1 < len(parent.keys):
        following = parent.keys[index + 1]
        return (start, following.properties if isinstance(following, RawScalar) else following.start, "")
    return (start, value.end, "" if len(parent.keys) > 1 else "{}")


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


def _lines(node: RawNode, column: int, layout: Layout) -> list[str]:
    """A map or list as lines of block style at a column."""
    lines: list[str] = []
    node = _resolved(node)
    for child in _children(node):
        if isinstance(child, tuple):
            lines += _entry_lines(*child, column, layout)
            continue
        item = _resolved(child)
        if isinstance(item, RawScalar) or not _children(item):
            text = _inline(item, flow=False, column=column + layout.step, layout=layout)
            lines += f"{' ' * column}- {text}".split(layout.newline)
        else:
            inner = _lines(item, column + 2, layout)
            lines += [f"{' ' * column}- {inner[0].lstrip(' ')}", *inner[1:]]
    return lines


def _entry_lines(name: str, value: RawNode, column: int, layout: Layout) -> list[str]:
    head = " " * column + scalar_text(name, Style.PLAIN, flow=False) + ":"
    value = _resolved(value)
    if isinstance(value, RawScalar) or not _children(value):
        text = _inline(value, flow=False, column=column + layout.step, layout=layout)
        return f"{head} {text}".rstrip(" ").split(layout.newline)
    return [head, *_lines(value, column + layout.step, layout)]


def _flow_entry(name: str, value: RawNode, layout: Layout) -> str:
    key = scalar_text(name, Style.PLAIN, flow=True)
    return f"{key}: {_inline(value, flow=True, column=0, layout=layout)}"


def _inline(node: RawNode, *, flow: bool, column: int | None, layout: Layout) -> str:
    """A scalar, or a collection in flow style, on the line of its key."""
    node = _resolved(node)
    if isinstance(node, RawSequence):
        return (
            "["
            + ", ".join(_inline(item, flow=True, column=column, layout=layout) for item in node.items)
            + "]"
        )
    if isinstance(node, RawMapping):
        entries = [_flow_entry(*child, layout) for child in _children(node) if isinstance(child, tuple)]
        return "{" + ", ".join(entries) + "}"
    value = scalar_value(node)
    if not isinstance(value, str):
        return node.text if node.text or not flow else "null"
    style = node.style if node.style in (Style.SINGLE_QUOTED, Style.DOUBLE_QUOTED) else Style.PLAIN
    return scalar_text(value, style, flow=flow, indent=None if flow else column, newline=layout.newline)
