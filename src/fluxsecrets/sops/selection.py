"""Which values and comments of a document its selector encrypts."""

from __future__ import annotations

from collections.abc import Iterator

from .document import Comment, Document, Leaf, Mapping, Sequence, walk
from .selectors import Selector
from .values import Value


def is_empty(value: Value) -> bool:
    """Null and empty values are never encrypted, in any position."""
    return value is None or value in ("", b"")


def selected(
    document: Document, selector: Selector, *, single_value: bool = False
) -> list[tuple[Leaf | Comment, bool]]:
    """Return every value and comment in document order, and whether the selector encrypts it."""
    return list(each_selected(document, selector, single_value=single_value))


def each_selected(
    document: Document, selector: Selector, *, single_value: bool = False
) -> Iterator[tuple[Leaf | Comment, bool]]:
    """The same one by one: a large file has many."""
    if single_value:
        yield from ((leaf, True) for leaf in document.leaves)
    elif selector.uses_comments:
        yield from _selected_by_comments(document, selector)
    else:
        for part in document.parts:
            yield from _select(part, selector, matched=False)


def _selected_by_comments(document: Document, selector: Selector) -> Iterator[tuple[Leaf | Comment, bool]]:
    def join(comments: tuple[str, ...], text: str) -> tuple[str, ...]:
        # One match decides, so that no more than one comment of a level has to be remembered.
        if comments:
            return comments
        return (text,) if selector.matches(text) else ()

    for stack, item in walk(document, join):
        yield item, selector.encrypts(item.path, stack, comment=isinstance(item, Comment))


def _select(
    node: Mapping | Sequence, selector: Selector, *, matched: bool
) -> Iterator[tuple[Leaf | Comment, bool]]:
    """What is below a map or list, of which a key of the path did or did not match.

    The same as `selector.encrypts` says for each path, with each key of the tree compared once.
    """
    matching = selector.encrypts_matches
    if isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Leaf | Comment):
                yield item, matched == matching
            else:
                yield from _select(item, selector, matched=matched)
        return
    for entry in node.entries:
        if isinstance(entry, Comment):
            yield entry, matched == matching
            continue
        value, matches = entry.value, matched or selector.matches(entry.key)
        if isinstance(value, Leaf):
            yield value, matches == matching
        else:
            yield from _select(value, selector, matched=matches)


def why_nothing(selector: Selector) -> str:
    """Return why a selector selects no value of a file, as the end of a message."""
    spec = selector.spec
    leaves_plain = spec.kind.value.startswith("un")
    if selector.uses_comments:
        matched = (
            "matches a comment above every value" if leaves_plain else "matches no comment above a value"
        )
    else:
        matched = "matches a key above every value" if leaves_plain else "matches none of its keys"
    return f"{spec.kind.value} {spec.pattern!a} {matched}"
