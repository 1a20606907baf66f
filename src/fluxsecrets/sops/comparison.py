"""Whether two texts hold the same: values with their types, maps, lists, empty ones too, and comments.

Every text is read again before it leaves, and compared with what was to be written.
"""

from __future__ import annotations

from collections import Counter

from .document import Comment, Data, Document, Entry, Mapping, Node, Sequence, to_data
from .values import Value, canonical_bytes


def same_value(one: Value, two: Value) -> bool:
    """Equal in type too: `1`, `1.0`, `True` and `"1"` differ, and NaN is NaN."""
    if type(one) is not type(two):
        return False
    return one == two or canonical_bytes(one) == canonical_bytes(two)


def same_data(one: Data, two: Data) -> bool:
    """Whether two pieces of plain data are equal; the order of keys does not count."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same_data(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same_data, one, two))
    if isinstance(one, dict | list) or isinstance(two, dict | list):
        return False
    return same_value(one, two)


def same_tree(one: Node, two: Node, *, values: bool = True) -> bool:
    """Whether two trees have the same maps, keys in the same order, lists and values; comments don't count.

    Args:
        one: a tree.
        two: the other.
        values: False where one of them is encrypted: only their places are compared.
    """
    if type(one) is not type(two):
        return False
    if isinstance(one, Mapping):
        first, second = _entries(one), _entries(two)
        return len(first) == len(second) and all(
            entry.key == other.key
            and entry.merge == other.merge
            and same_tree(entry.value, other.value, values=values)
            for entry, other in zip(first, second, strict=True)
        )
    if isinstance(one, Sequence):
        items, others = _items(one), _items(two)
        return len(items) == len(others) and all(
            same_tree(item, other, values=values) for item, other in zip(items, others, strict=True)
        )
    return not values or same_value(one.value, two.value)  # type: ignore[union-attr]


def same_trees(one: Document, two: Document, *, values: bool = True) -> bool:
    """Whether two files have the same documents; see `same_tree`."""
    return len(one.parts) == len(two.parts) and all(
        same_tree(first, second, values=values) for first, second in zip(one.parts, two.parts, strict=True)
    )


def same_documents_data(one: Document, two: Document) -> bool:
    """Whether two files hold the same data, with merge keys resolved in both."""
    return same_data([to_data(part) for part in one.parts], [to_data(part) for part in two.parts])


def comments_of(document: Document) -> Counter[str]:
    """The comments of a file. Blanks around them don't count, and neither does their place."""
    return Counter(item.text.strip() for item in document.items if type(item) is Comment)


def _entries(node: Node) -> list[Entry]:
    return [item for item in node.entries if type(item) is Entry]  # type: ignore[union-attr]


def _items(node: Node) -> list[Node]:
    return [item for item in node.items if type(item) is not Comment]  # type: ignore[union-attr, misc]
