"""JSON: its `sops` block, and a writer that touches nothing but the values; `json_read` has the reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import ClassVar, cast

from fluxsecrets.errors import FormatError, MetadataError
from fluxsecrets.records import replace
from fluxsecrets.sops.document import (
    Change,
    Comment,
    Data,
    Document,
    Entry,
    Leaf,
    Mapping,
    Node,
    Path,
    Sequence,
    Style,
    nested,
    to_data,
)
from fluxsecrets.sops.known import known_of
from fluxsecrets.sops.metadata import Metadata, metadata_to_data, parse_metadata
from fluxsecrets.sops.values import Timestamp, Value, line_and_column, number_text, scalar_text

from . import (
    Changer,
    Edit,
    Format,
    Limits,
    StoresConfig,
    bytes_as_text,
    decode_text,
    encode_in_order,
    encode_text,
    mapped,
    not_checked,
)
from .json_read import read_object, read_value

METADATA_KEY = "sops"

_Block = MappingABC[str, object]


@dataclass(frozen=True, slots=True)
class JsonFormat(Format):
    """JSON files; the top level is an object.

    Attributes:
        indent: blanks by which text that is written anew is indented; a tab where it is None, as with sops.
    """

    name: ClassVar[str] = "json"
    example: ClassVar[MappingABC[str, Data]] = {"key": "value"}

    indent: int | None = None

    def parse(self, data: bytes, limits: Limits) -> Document:
        """Read a plain or an encrypted file; see `Format.parse` for what is raised."""
        source, bom = decode_text(data, limits, "JSON")
        if bom:
            raise FormatError(
                "the file starts with a byte order mark", line=1, hint="save it as UTF-8 without one"
            )
        return self._document(source, read_object(source, limits))

    def read_again(self, data: bytes, limits: Limits, known: Iterable[tuple[Path, Value]]) -> Document:
        """Read a text that was just written; see `Format.read_again`."""
        source, bom = decode_text(data, limits, "JSON")
        if bom:
            raise not_checked("written")
        document = self._document(source, read_object(source, limits, known_of(data, known)))
        return replace(document, source="", layout=None)

    def _document(self, source: str, root: Mapping) -> Document:
        block = root.get(METADATA_KEY)
        if block is None:
            return Document(self.name, source, (root,), None, layout=root)
        if not isinstance(block, Mapping):
            raise MetadataError(
                "the key sops is reserved for the metadata of encrypted files, and is not a map here",
                hint="rename the key, or restore the file from git",
                line=line_and_column(source, block.start)[0],
            )
        entries = tuple(
            entry for entry in root.entries if not isinstance(entry, Entry) or entry.key != METADATA_KEY
        )
        metadata = parse_metadata(cast("dict[str, Data]", to_data(block)))
        return Document(self.name, source, (Mapping(entries, root.start, root.end),), metadata, layout=root)

    def rewrite(self, document: Document, changes: Iterable[Change], metadata: Metadata | None) -> bytes:
        """New text with the changes applied, and the `sops` block added, replaced, or removed (None)."""
        block = None if metadata is None else metadata_to_data(metadata)
        return rewrite_json(document, changes, block)

    def written(self, parts: SequenceABC[Data]) -> bytes:
        """Plain data as JSON with line breaks, as sops writes it; see `Format.written`.

        Raises:
            FormatError: not exactly one document, or a value that JSON can't hold.
        """
        if len(parts) != 1:
            raise FormatError(
                f"JSON holds one document, and there are {len(parts)}",
                hint="write YAML, or split the file first",
            )
        return encode_text(dump(parts[0], "\n", indent_unit(self.indent)) + "\n", bom=False)

    def read(self, data: bytes) -> list[Data]:
        """What plain text holds; see `Format.read`."""
        limits = Limits(size=len(data))
        return [read_value(decode_text(data, limits, "JSON")[0], limits)]

    def readable(self, parts: SequenceABC[Data]) -> list[Data]:
        """What reading gives for these data: times and bytes are strings; see `Format.readable`."""
        return [
            mapped(part, lambda value: value.text if isinstance(value, Timestamp) else bytes_as_text(value))
            for part in parts
        ]

    def spells_alike(self, leaf: Leaf, old: str, new: str) -> bool:
        """Every text is in double quotes; see `Format.spells_alike`."""
        return leaf.style is Style.DOUBLE_QUOTED

    def changer(self, document: Document) -> Changer:
        """What changes single values of a plain document."""
        return JsonChanger(document)


def make(stores: StoresConfig) -> Format:
    """The format for one run."""
    return JsonFormat(stores.json_indent)


def rewrite_json(document: Document, changes: Iterable[Change], block: _Block | None) -> bytes:
    """New text of what `JsonFormat.parse` read, with this plain data as its `sops` block, or without one.

    Args:
        document: what was read.
        changes: in the order of the text.
        block: the data of the `sops` block.
    """
    edits = _block_edits(document.source, cast("Mapping", document.layout), block)
    return encode_in_order(document.source, _merged(map(_edit, changes), sorted(edits)))


def _merged(edits: Iterable[Edit], others: list[Edit]) -> Iterator[Edit]:
    """All edits in the order of the text; the second ones are few."""
    others.reverse()
    for edit in edits:
        while others and others[-1][:2] <= edit[:2]:
            yield others.pop()
        yield edit
    yield from reversed(others)


def _edit(change: Change) -> tuple[int, int, str]:
    target = change.target
    if change.encrypted and isinstance(target, Leaf) and target.style is Style.DOUBLE_QUOTED:
        # There is nothing to escape in a ciphertext, which may be large.
        return target.start + 1, target.end - 1, cast("str", change.value)
    return target.start, target.end, value_text(change.value)


def value_text(value: Value) -> str:
    """One scalar as a JSON token, with the fewest escapes."""
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return scalar_text(value) if not isinstance(value, float) else number_text(value)
    return encode_basestring(scalar_text(value))


def indent_unit(indent: int | None) -> str:
    """One level of indentation of what is written anew (sops: stores/json/store.go, `reindentJSON`)."""
    return "\t" if indent is None else " " * indent


def dump(value: object, lead: str | None, unit: str) -> str:
    """Plain data as JSON text.

    There is always exactly one space behind a colon: Flux knows an encrypted file by `"mac": "ENC[`
    (kustomize-controller: internal/decryptor).

    Args:
        value: maps, lists and scalars.
        lead: line break and indentation in front of the closing bracket, or None for one line.
        unit: one level of indentation.
    """
    inner = None if lead is None else lead + unit
    if isinstance(value, MappingABC):
        items = [f"{encode_basestring(str(key))}: {dump(item, inner, unit)}" for key, item in value.items()]
        brackets = "{}"
    elif isinstance(value, list):
        items = [dump(item, inner, unit) for item in value]
        brackets = "[]"
    else:
        return value_text(cast("Value", value))
    if not items:
        return brackets
    body = ", ".join(items) if inner is None else inner + f",{inner}".join(items) + cast("str", lead)
    return f"{brackets[0]}{body}{brackets[1]}"


# Writing the metadata block


def _block_edits(source: str, root: Mapping, block: _Block | None) -> list[tuple[int, int, str]]:
    entries = cast("tuple[Entry, ...]", root.entries)
    position = next((number for number, entry in enumerate(entries) if entry.key == METADATA_KEY), None)
    if position is None:
        return [] if block is None else [_added_block(source, root, entries, block)]
    entry = entries[position]
    if block is None:
        return [_removed_block(root, entries, position)]
    lead, unit = _block_indentation(source, root, entries[: position + 1])
    return [(entry.value.start, entry.value.end, dump(block, lead, unit))]


def _added_block(
    source: str, root: Mapping, entries: tuple[Entry, ...], block: _Block
) -> tuple[int, int, str]:
    # Directly behind the last value, and removed from there: so the rest of the file stays as it is.
    lead, unit = _block_indentation(source, root, entries)
    member = f'"{METADATA_KEY}": {dump(block, lead, unit)}'
    if not entries:
        return (root.start + 1, root.start + 1, (lead or "") + member)
    between = lead if lead is not None else _gap(source, root, entries)
    end = entries[-1].value.end
    return (end, end, f",{between}{member}")


def _removed_block(root: Mapping, entries: tuple[Entry, ...], position: int) -> tuple[int, int, str]:
    entry = entries[position]
    if position:
        return (entries[position - 1].value.end, entry.value.end, "")
    if len(entries) > 1:
        return (entry.start, entries[1].start, "")
    return (root.start + 1, entry.value.end, "")


def _gap(source: str, root: Mapping, entries: tuple[Entry, ...]) -> str:
    """The white space in front of the last of these entries' key."""
    start = entries[-2].value.end if len(entries) > 1 else root.start + 1
    return source[start : entries[-1].start].rpartition(",")[2]


def _block_indentation(source: str, root: Mapping, entries: tuple[Entry, ...]) -> tuple[str | None, str]:
    """Line break with indentation for a member beside the last one, and one level of indentation.

    The line break is None where the file is on one line.
    """
    # Not from the start of the map: that would be another copy of a large file.
    last = cast("tuple[Entry, ...]", root.entries)[-1:]
    closing = source[last[0].value.end if last else root.start : root.end - 1]
    closing = closing[len(closing.rstrip(" \t\r\n")) :]
    gap = _gap(source, root, entries) if entries else closing
    if "\n" not in gap:
        return None, ""
    line_break = "\r\n" if "\r\n" in gap else "\n"
    outer = closing.rpartition("\n")[2] if "\n" in closing else ""
    indentation = gap.rpartition("\n")[2] if entries else f"{outer}\t"
    unit = indentation.removeprefix(outer)
    return line_break + indentation, unit or ("" if indentation == outer else indentation)


# Changing single values


class JsonChanger:
    """Changes single values of JSON text: indentation and line breaks follow what is around them."""

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
