"""JSON text changed at one value: indentation and line breaks follow what is around it."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.sops.document import Comment, Data, Document, Entry, Mapping, Node, Path, Sequence

from .changing import Edit, nested
from .json import dump, value_text


class JsonChanger:
    """See `changing.Changer`."""

    def __init__(self, document: Document) -> None:
        """Take a plain document."""
        self._source = document.source
        self._root = document.parts[0]
        self._unit = self._indentation_unit()

    def setting(self, part: int, path: Path, value: Data) -> Iterator[list[Edit]]:
        """Edits that set a value."""
        node: Node = self._root
        for done, step in enumerate(path):
            child = _child(node, step)
            if child is not None:
                node = child
                continue
            rest = nested(path[done + 1 :], value)
            if isinstance(node, Mapping | Sequence):
                yield [self._added(node, step, rest)]
            else:  # null, which becomes a map or a list
                yield [self._replaced(node, nested((step,), rest))]
            return
        yield [self._replaced(node, value)]

    def removing(self, part: int, path: Path) -> Iterator[list[Edit]]:
        """Edits that remove a member or an item with its comma."""
        parent: Node = self._root
        for step in path[:-1]:
            child = _child(parent, step)
            if child is None:
                return
            parent = child
        spans = _spans(parent)
        number = _position(parent, path[-1])
        if number is None or not isinstance(parent, Mapping | Sequence):
            return
        if len(spans) == 1:
            yield [(parent.start + 1, parent.end - 1, "")]
        elif number:
            yield [(spans[number - 1][1], spans[number][1], "")]
        else:
            yield [(spans[0][0], spans[1][0], "")]

    def _replaced(self, node: Node, value: Data) -> Edit:
        return (node.start, node.end, dump(value, self._line_start(node.start), self._unit))

    def _added(self, parent: Mapping | Sequence, step: str | int, value: Data) -> Edit:
        spans = _spans(parent)
        if spans:
            before = spans[-2][1] if len(spans) > 1 else parent.start + 1
            gap = self._source[before : spans[-1][0]].rpartition(",")[2]
            lead = gap if "\n" in gap else None
            place, comma = spans[-1][1], "," + (gap if gap or len(spans) > 1 else " ")
            tail = ""
        else:
            outer = self._line_start(parent.start)
            lead = None if outer is None else outer + self._unit
            place, comma, tail = parent.start + 1, lead or "", outer or ""
        text = dump(value, lead, self._unit)
        member = text if isinstance(step, int) else f"{value_text(step)}: {text}"
        if spans:
            return (place, place, comma + member)
        return (place, parent.end - 1, comma + member + tail)

    def _line_start(self, offset: int) -> str | None:
        """Line break and indentation of the line that holds `offset`; None where the file is one line."""
        if "\n" not in self._source[self._root.start : self._root.end]:
            return None
        line = self._source[self._source.rfind("\n", 0, offset) + 1 : offset]
        newline = "\r\n" if "\r\n" in self._source else "\n"
        return newline + line[: len(line) - len(line.lstrip(" \t"))]

    def _indentation_unit(self) -> str:
        spans = _spans(self._root)
        if not spans:
            return "\t"
        gap = self._source[self._root.start + 1 : spans[0][0]]
        if "\n" not in gap:
            return "\t"
        outer = self._line_start(self._root.start) or ""
        return gap.rpartition("\n")[2].removeprefix(outer.rpartition("\n")[2]) or "\t"


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node, Mapping) and isinstance(step, str):
        return node.get(step)
    if isinstance(node, Sequence) and isinstance(step, int):
        items = _nodes(node)
        return items[step] if step < len(items) else None
    return None


def _nodes(node: Sequence) -> list[Node]:
    return [item for item in node.items if not isinstance(item, Comment)]


def _position(node: Node, step: str | int) -> int | None:
    if isinstance(node, Mapping):
        keys = [entry.key for entry in node.entries if isinstance(entry, Entry)]
        return keys.index(step) if isinstance(step, str) and step in keys else None
    if isinstance(node, Sequence) and isinstance(step, int):
        return step if step < len(_nodes(node)) else None
    return None


def _spans(node: Node) -> list[tuple[int, int]]:
    """The span of each member with its key, or of each item."""
    if isinstance(node, Mapping):
        return [(entry.start, entry.value.end) for entry in node.entries if isinstance(entry, Entry)]
    if isinstance(node, Sequence):
        return [(item.start, item.end) for item in _nodes(node)]
    return []
