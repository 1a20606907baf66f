"""What stays as it was in the previous version of a file: the spelling of values, the layout of the block."""

from __future__ import annotations

import re

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.document import Change, Leaf, Mapping, Node, Sequence, Style, to_data
from fluxsecrets.sops.formats import Edit, Limits, apply_edits
from fluxsecrets.sops.metadata import Metadata

from .build import Builder
from .comments import place_comments
from .nodes import parse_nodes
from .scalars import BLOCK_STYLES, Layout, write_value

# Compiled when they are first used: most files need neither.
_COMMENT = r"(?m)^[ \t]*#|[ \t]#"
_INDENTED = r"^([ \t]*)[^\r\n]*(?:\r?\n)+\1( +)"


class FormerBlock(NamedTuple):
    """A `sops` block as it was written.

    Attributes:
        text: its lines, without the last line break.
        column: of its key.
        metadata: what it says.
    """

    text: str
    column: int
    metadata: Metadata

    @property
    def step(self) -> int | None:
        """By how many columns it indents."""
        match = re.match(_INDENTED, self.text)
        return None if match is None else len(match[2])


def kept_spelling(source: str, change: Change, layout: Layout) -> list[Edit] | None:
    """The edit that writes a kept ciphertext as it was spelled before.

    Decrypting can change a value's style, since not every style holds every value. If the text is what
    decrypting made of the ciphertext, nobody touched it, and it gets its former text back.

    Args:
        source: the plain text.
        change: of a value that keeps its ciphertext.
        layout: of the previous text, which decides on the indentation of what was decrypted.

    Returns:
        None if the value was respelled, or needs no care.
    """
    assert change.kept is not None  # noqa: S101 - the caller asks for kept values only
    leaf, (former_source, former) = change.target, change.kept
    if not isinstance(leaf, Leaf) or not isinstance(former, Leaf):
        return None
    if former.alias or leaf.flow != former.flow:
        return None
    simple = leaf.style not in BLOCK_STYLES and not source.startswith(("&", "!"), leaf.start)
    if simple and leaf.style is former.style and not former_source.startswith(("&", "!"), former.start):
        return None  # it is written so anyway
    edits = write_value(former_source, former, leaf.value, layout)
    before = former_source[former.start : former.end]
    if any(end > former.end for _, end, _ in edits):
        return None
    shifted = [(start - former.start, end - former.start, text) for start, end, text in edits]
    plain = apply_edits(before, shifted)
    if not source.startswith(plain, leaf.start):
        return None
    # Line breaks are part of a block scalar, and are not of others.
    end = leaf.start + len(plain)
    behind, over = source[end : leaf.end], source[leaf.end : end]
    return None if behind.strip() or over.strip() else [(leaf.start, max(end, leaf.end), before + behind)]


def block_again(former: FormerBlock, data: dict[str, object], layout: Layout) -> str | None:
    """The text of a former block with other values in it; None if these are other keys or lists."""
    if "#" in former.text and re.search(_COMMENT, former.text):
        return None
    try:
        tree = _read(former.text)
        edits: list[Edit] = []
        if not _collect(former.text, tree, data, layout, edits):
            return None
        text = apply_edits(former.text, edits)
        return text if _same(_read(text), data) else None
    except FluxsecretsError:
        return None


def _read(text: str) -> Node:
    (document,) = parse_nodes(text + "\n", Limits())
    root = Builder(place_comments("", ())).build(document.root)
    assert isinstance(root, Mapping)  # noqa: S101 - it was read as the block of a map
    (entry,) = root.entries
    return entry.value  # type: ignore[union-attr]


def _collect(source: str, node: Node, data: object, layout: Layout, edits: list[Edit]) -> bool:
    """Add the edits that put data into a tree of the same form. Return whether it has that form."""
    if isinstance(node, Mapping):
        if not isinstance(data, dict):
            return False
        found = {entry.key: entry.value for entry in node.entries}  # type: ignore[union-attr]
        return (
            data.keys() <= found.keys()
            # Older versions of sops write lists without keys.
            and all(not to_data(value) for key, value in found.items() if key not in data)
            and all(_collect(source, found[key], value, layout, edits) for key, value in data.items())
        )
    if isinstance(node, Sequence):
        items = [item for item in node.items if isinstance(item, Leaf | Mapping | Sequence)]
        return (
            isinstance(data, list)
            and len(data) == len(items)
            and all(
                _collect(source, item, value, layout, edits) for item, value in zip(items, data, strict=True)
            )
        )
    if isinstance(data, dict | list) or node.alias:
        return False
    if not _equal(node, data):
        if node.style is Style.PLAIN and node.start == node.end:
            return False
        edits += write_value(source, node, data, layout)  # type: ignore[arg-type]
    return True


def _same(node: Node, data: object) -> bool:
    nothing: list[Edit] = []
    return _collect("", node, data, Layout("\n", 2), nothing) and not nothing


def _equal(leaf: Leaf, data: object) -> bool:
    value = getattr(leaf.value, "text", leaf.value)  # a time
    return type(value) is type(data) and value == data
