"""Split Lists of Secrets: turn `kind: List` into YAML documents, and keep text and comments.

kustomize splits a List after Flux has decrypted it, and loses the List's `sops` block. The same Secrets work
as documents of one file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Items

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.ops.policy.policy import is_secret_list
from fluxsecrets.records import dataclass
from fluxsecrets.sops.document import Data, Entry, Leaf, Mapping, Sequence, to_data
from fluxsecrets.sops.formats import Limits, decode_text, encode_text
from fluxsecrets.sops.formats.yaml import YamlFormat

_MARKER = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
_DASH = re.compile(r"^ *(-)(?=\s)", re.MULTILINE)
_MAX_NESTING = 8


def split_lists(data: bytes, limits: Limits) -> bytes:
    """Rewrite every List with Secrets in a YAML file as one document per item.

    Other fields of the List (its own `metadata`) are dropped. kustomize drops them too.

    Returns:
        The new text, or the same bytes if there is no such List.

    Raises:
        FormatError: the file is not YAML, or the items can't be separated, for example because of an alias.
    """
    for _ in range(_MAX_NESTING):  # a List may contain a List
        new = _split_once(data, limits)
        if new == data:
            break
        data = new
    return data


def _split_once(data: bytes, limits: Limits) -> bytes:
    parts = YamlFormat().parse(data, limits).parts
    if not any(is_secret_list(part) for part in parts):
        return data
    source, bom = decode_text(data, limits, "YAML")
    newline = "\r\n" if "\r\n" in source else "\n"
    text, done = "", 0
    for part in parts:
        if is_secret_list(part):
            start, end = _extent(source, part)
            documents = _documents(source, part, end, newline)
            text += source[done:start] + f"---{newline}".join(documents)
            done = end
    new = encode_text(text + source[done:], bom=bom)
    if _content(new, limits) != [item for part in parts for item in _objects(part)]:
        raise FormatError(
            "the items of this List can't be turned into separate documents",
            hint="write each Secret as a YAML document by hand, separated by ---; "
            "aliases can't point to another document",
        )
    return new


def _content(data: bytes, limits: Limits) -> list[Data]:
    try:
        return [to_data(part) for part in YamlFormat().parse(data, limits).parts]
    except FluxsecretsError:
        return []


def _objects(part: Mapping) -> list[Data]:
    """Return the objects of a document: itself, or the items of a List with fields inherited from it."""
    if not is_secret_list(part):
        return [to_data(part)]
    kind = _text(part, "kind")
    return [{**_left_out(item, kind), **_mapping_data(item)} for item in _items(part)]


def _mapping_data(node: Mapping) -> dict[str, Data]:
    data = to_data(node)
    return data if isinstance(data, dict) else {}


def _left_out(item: Mapping, list_kind: str) -> dict[str, str]:
    """Return `kind` and `apiVersion`, which the items of a SecretList may omit."""
    known = {"apiVersion": "v1", "kind": list_kind.removesuffix("List")}
    return {key: value for key, value in known.items() if list_kind != "List" and item.get(key) is None}


def _items(part: Mapping) -> list[Mapping]:
    listing = part.get("items")
    found = listing.items if isinstance(listing, Sequence) else ()
    for item in found:
        if isinstance(item, Leaf | Sequence):
            raise FormatError(
                "an item of this List is not an object",
                line=_line(item),
                hint="remove it, or fix its indentation",
            )
    return [item for item in found if isinstance(item, Mapping)]


def _line(node: Leaf | Sequence) -> int | None:
    return node.line if isinstance(node, Leaf) else None


def _text(part: Mapping, key: str) -> str:
    node = part.get(key)
    return node.value if isinstance(node, Leaf) and isinstance(node.value, str) else ""


def _extent(source: str, part: Mapping) -> tuple[int, int]:
    """Return the span from a document's first line to the next document or the end of the file."""
    start = _line_start(source, part.start)
    marker = _MARKER.search(source, part.start)
    return start, marker.start() if marker is not None else len(source)


def _line_start(source: str, position: int) -> int:
    return source.rfind("\n", 0, position) + 1


def _documents(source: str, part: Mapping, end: int, newline: str) -> list[str]:
    """Return the texts of the items, each with the comments above it. Other comments join the first."""
    listing = part.get("items")
    entries = [entry for entry in part.entries if isinstance(entry, Entry)]
    items, list_kind = _items(part), _text(part, "kind")
    if not isinstance(listing, Sequence) or listing.flow or part.flow:
        return [_rendered(item, list_kind) for item in items]
    below = [entry.start for entry in entries if entry.start > listing.start]
    stop = _line_start(source, min(below)) if below else end
    blocks = _blocks(source, items, stop)
    first = _line_start(source, blocks[0].start)
    remarks = _comments(source[_line_start(source, part.start) : first] + source[stop:end])
    texts = []
    for block, item in zip(blocks, items, strict=True):
        head = "".join(f"{key}: {value}{newline}" for key, value in _left_out(item, list_kind).items())
        texts.append(head + block.text + ("" if block.text.endswith("\n") else newline))
    return [remarks + texts[0], *texts[1:]]


def _rendered(item: Mapping, list_kind: str) -> str:
    """Return an item of a flow collection in block style."""
    return YamlFormat(2).render([{**_left_out(item, list_kind), **_mapping_data(item)}]).decode()


@dataclass(frozen=True, slots=True)
class _Block:
    """An item's lines: their start in the source, and their text without dash and indentation."""

    start: int
    text: str


def _blocks(source: str, items: Items[Mapping], stop: int) -> list[_Block]:
    dashes = [_dash(source, item) for item in items]
    starts = [_above(source, dash) for dash in dashes]
    ends = [*starts[1:], stop]
    blocks = []
    for item, dash, start, end in zip(items, dashes, starts, ends, strict=True):
        column = _content_start(item) - _line_start(source, _content_start(item))
        text = source[start:dash] + " " + source[dash + 1 : end]
        dedented = re.sub(f"^ {{0,{column}}}", "", text, flags=re.MULTILINE)
        blocks.append(_Block(start, dedented.lstrip("\r\n")))
    return blocks


def _dash(source: str, item: Mapping) -> int:
    """Return the place of an item's dash: the last one at the start of a line before its content."""
    dash = item.start
    for match in _DASH.finditer(source, 0, _content_start(item)):
        dash = match.start(1)
    return dash


def _content_start(item: Mapping) -> int:
    keys = (entry.start for entry in item.entries if isinstance(entry, Entry))
    return item.start if item.flow else next(keys, item.start)


def _above(source: str, dash: int) -> int:
    """Return the start of the comment lines directly above an item, or of its own line."""
    start = _line_start(source, dash)
    while start:
        previous = _line_start(source, start - 1)
        if not source[previous:start].lstrip(" ").startswith("#"):
            break
        start = previous
    return start


def _comments(text: str) -> str:
    return "".join(f"{line}\n" for line in re.findall(r"^ *(#[^\n]*)", text, re.MULTILINE))
