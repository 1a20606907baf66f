"""The scalars of an object that are values of their own."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.extract.model import LiteralValue
from fluxsecrets.sops.document import Entry, Leaf, Mapping, Node, Path, Sequence


def literals_below(node: Node | None, path: Path) -> Iterator[LiteralValue]:
    """Yield the scalars below a node that hold a value.

    Nulls, empty strings, ciphertexts and variables of Flux are not values to hide.

    Args:
        node: where to start, or None.
        path: of the node, below its object.
    """
    if isinstance(node, Leaf):
        if is_value(node.value):
            yield LiteralValue(path, node.value, node.line)
    elif isinstance(node, Mapping):
        for item in node.entries:
            if isinstance(item, Entry):
                yield from literals_below(item.value, (*path, item.key))
    elif isinstance(node, Sequence):
        items = [item for item in node.items if isinstance(item, Leaf | Mapping | Sequence)]
        for number, each in enumerate(items):
            yield from literals_below(each, (*path, number))


def is_value(value: object) -> bool:
    """Whether a scalar is a value that can be hidden in a Secret."""
    if value is None or value == "":
        return False
    return not (isinstance(value, str) and (is_ciphertext(value) or is_variable(value)))


def is_variable(text: str) -> bool:
    """Whether a text has a variable that Flux replaces: its value is elsewhere."""
    return "${" in text
