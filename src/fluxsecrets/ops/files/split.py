"""Lists of Secrets taken apart: `kind: List` becomes YAML documents, text and comments kept.

kustomize takes a List apart after Flux has decrypted it, and the `sops` block, which stands on the List,
is lost on the way. As documents of one file the same Secrets work.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Items
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.ops.policy.policy import is_secret_list
from fluxsecrets.sops.document import Data, Entry, Leaf, Mapping, Sequence, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.text import decode_text, encode_text
from fluxsecrets.sops.formats.yaml import YamlFormat

_MARKER = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
_DASH = re.compile(r"^ *(-)(?=\s)", re.MULTILINE)
_MAX_NESTING = 8


def split_lists(data: bytes, limits: Limits) -> bytes:
    """A YAML file with every List that holds Secrets written as one document for each item.

    What a List says beside its items (its own `metadata`) is dropped: kustomize drops it as well.

    Args:
        data: the plain file.
        limits: what the input may cost.

    Returns:
        The new text, or the same bytes where there is no such List.

    Raises:
        FormatError: it is not YAML, or the items cannot stand alone, as with an alias to another item.
    """
    for _ in range(_MAX_NESTING):  # a List may hold a List
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
            "the items of this List could not be made documents of their own",
            hint="write each Secret as a YAML document by hand, separated by ---; "
            "aliases cannot lead from one document to another",
        )
    return new


def _content(data: bytes, limits: Limits) -> list[Data]:
    try:
        return [to_data(part) for part in YamlFormat().parse(data, limits).parts]
    except FluxsecretsError:
        return []


def _objects(part: Mapping) -> list[Data]:
    """What a document stands for: itself, or the items of a List with what they leave to the List."""
    if not is_secret_list(part):
        return [to_data(part)]
    kind = _text(part, "kind")
    return [{**_left_out(item, kind), **_mapping_data(item)} for item in _items(part)]


def _mapping_data(node: Mapping) -> dict[str, Data]:
    data = to_data(node)
    return data if isinstance(data, dict) else {}


def _left_out(item: Mapping, list_kind: str) -> dict[str, str]:
    """`kind` and `apiVersion`, which the items of a SecretList need not have."""
    known = {"apiVersion": "v1", "kind": list_kind.removesuffix("List")}
    return {key: value for key, value in known.items() if list_kind != "List" and item.get(key) is None}


def _items(part: Mapping) -> list[Mapping]:
    listing = part.get("items")
    found = listing.items if isinstance(listing, Sequence) else ()
    for item in found:
        if isinstance(item, Leaf | Sequence):
            raise FormatError(
                "an item of this List is no object",
                line=_line(item),
                hint="remove it, or mend its indentation",
            )
    return [item for item in found if isinstance(item, Mapping)]


def _line(node: Leaf | Sequence) -> int | None:
    return node.line if isinstance(node, Leaf) else None


def _text(part: Mapping, key: str) -> str:
    node = part.get(key)
    return node.value if isinstance(node, Leaf) and isinstance(node.value, str) else ""


def _extent(source: str, part: Mapping) -> tuple[int, int]:
    """From the start of a document's first line to where the next document, or the file, ends it."""
    start = _line_start(source, part.start)
    marker = _MARKER.search(source, part.start)
    return start, marker.start() if marker is not None else len(source)


def _line_start(source: str, position: int) -> int:
    return source.rfind("\n", 0, position) + 1


def _documents(source: str, part: Mapping, end: int, newline: str) -> list[str]:
    """The texts of the items, each with the comments above it; other comments join the first."""
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
    """An item of a flow collection, in block style."""
    return YamlFormat(2).render([{**_left_out(item, list_kind), **_mapping_data(item)}]).decode()


@dataclass(frozen=True, slots=True)
class _Block:
    """An item's lines: where they start in the source, and their text without dash and indentation."""

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
    """The place of an item's dash: the last one that begins a line before its content."""
    dash = item.start
    for match in _DASH.finditer(source, 0, _content_start(item)):
        dash = match.start(1)
    return dash


def _content_start(item: Mapping) -> int:
    keys = (entry.start for entry in item.entries if isinstance(entry, Entry))
    return item.start if item.flow else next(keys, item.start)


def _above(source: str, dash: int) -> int:
    """Where the comment lines directly above an item begin, else its own line."""
    start = _line_start(source, dash)
    while start:
        previous = _line_start(source, start - 1)
        if not source[previous:start].lstrip(" ").startswith("#"):
            break
        start = previous
    return start


def _comments(text: str) -> str:
    return "".join(f"{line}\n" for line in re.findall(r"^ *(#[^\n]*)", text, re.MULTILINE))
