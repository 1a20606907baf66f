"""Whether two texts hold the same: values with their types, maps, lists, empty ones too, and comments.

Every text is read again before it leaves, and compared with what was to be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as MappingABC

from .document import Change, Comment, Data, Document, Entry, Leaf, Mapping, Node, to_data
from .values import Value, canonical_bytes

_NO_CHANGES: MappingABC[int, Change] = {}


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


def same_tree(
    one: Node, two: Node, changes: MappingABC[int, Change] = _NO_CHANGES, *, values: bool = True
) -> bool:
    """Whether two trees have the same maps, keys in the same order, lists and values; comments don't count.

    Args:
        one: a tree.
        two: the other.
        changes: of values of the first tree, by the identity of their targets.
        values: False where one of them is encrypted: only their places are compared.
    """
    if type(one) is not type(two):
        return False
    if isinstance(one, Leaf):
        if not values:
            return True
        change = changes.get(id(one))
        return same_value(one.value if change is None else change.value, two.value)  # type: ignore[union-attr]
    if isinstance(one, Mapping):
        return _same_entries(_entries(one), _entries(two), changes, values=values)
    items, others = _items(one, changes), _items(two, _NO_CHANGES)
    return len(items) == len(others) and all(
        same_tree(item, other, changes, values=values) for item, other in zip(items, others, strict=True)
    )


def _same_entries(
    entries: list[Entry], others: list[Entry], changes: MappingABC[int, Change], *, values: bool
) -> bool:
    if len(entries) != len(others):
        return False
    for entry, other in zip(entries, others, strict=True):
        if entry.key != other.key or entry.merge != other.merge:
            return False
        if not same_tree(entry.value, other.value, changes, values=values):
            return False
    return True


def same_trees(
    one: Document, two: Document, changes: MappingABC[int, Change] = _NO_CHANGES, *, values: bool = True
) -> bool:
    """Whether two files have the same documents; see `same_tree`."""
    return len(one.parts) == len(two.parts) and all(
        same_tree(first, second, changes, values=values)
        for first, second in zip(one.parts, two.parts, strict=True)
    )


def same_documents_data(one: Document, two: Document) -> bool:
    """Whether two files hold the same data, with merge keys resolved in both."""
    return same_data([to_data(part) for part in one.parts], [to_data(part) for part in two.parts])


def comments_of(document: Document, changes: MappingABC[int, Change] = _NO_CHANGES) -> Counter[str]:
    """The lines of a file's comments. Blanks around them don't count, and neither does their place.

    INI joins comments that stand below each other, and a comment behind a value is put above another one.
    """
    blanks = " \t\r#;" if document.format == "ini" else None
    found: Counter[str] = Counter()
    for item in document.items:
        change = changes.get(id(item))
        if type(item) is Comment or (change is not None and change.becomes_comment):
            text = str(change.value) if change is not None else item.text  # type: ignore[union-attr]
            found.update(filter(None, (line.strip(blanks) for line in text.splitlines())))
    return found


def _entries(node: Node) -> list[Entry]:
    return [item for item in node.entries if type(item) is Entry]  # type: ignore[union-attr]


def _items(node: Node, changes: MappingABC[int, Change]) -> list[Node]:
    items = [item for item in node.items if type(item) is not Comment]  # type: ignore[union-attr]
    if changes:
        items = [item for item in items if not ((change := changes.get(id(item))) and change.becomes_comment)]
    return items  # type: ignore[return-value]
