"""A decrypted document: its values, its tree with them in place, and its ciphertexts to use again."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence as Items

from fluxsecrets.records import dataclass, field

from .cipher import DataKey
from .document import Change, Comment, Document, Entry, Leaf, Mapping, Node, Path, Sequence
from .values import canonical_bytes

CiphertextKey = tuple[Path, str, bytes]
"""Path, type and value of what a ciphertext holds."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A document whose MAC was checked, with its values.

    Rarely needed properties are computed on demand: they would double the cost of a large file.

    Attributes:
        document: the encrypted document.
        changes: the value of each ciphertext.
        warnings: what is odd but not an error, one sentence each.
    """

    document: Document
    data_key: DataKey
    changes: tuple[Change, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()
    _of_aliases: tuple[Change, ...] = field(default=(), repr=False)
    _single_value: bool = False
    _plain: list[tuple[Mapping, ...]] = field(default_factory=list, repr=False, compare=False)

    @property
    def plain(self) -> tuple[Mapping, ...]:
        """The document's parts with their values in place, sops's list comments taken out."""
        if not self._plain:
            # A dict of thousands of changes takes memory just where most is in use.
            values = _InOrder(self.changes) if not self._of_aliases else self.values
            parts = tuple(_with_values(part, values) for part in self.document.parts)
            self._plain.append(parts)  # type: ignore[arg-type]
        return self._plain[0]

    @property
    def values(self) -> dict[int, Change]:
        """All changes, also of values that are reached through aliases, by the identity of their targets."""
        return {id(change.target): change for change in (*self.changes, *self._of_aliases)}

    @property
    def ciphertexts(self) -> Iterator[tuple[CiphertextKey, Leaf | Comment]]:
        """All that can be used again where nothing changed, the last one first."""
        for change in reversed((*self.changes, *self._of_aliases)):
            target, value = change.target, change.value
            if isinstance(target, Comment):
                yield (target.path, "comment", str(value).encode()), target
            elif not change.becomes_comment:
                kind = "str" if self._single_value else type(value).__name__
                yield (target.path, kind, canonical_bytes(value)), target


class _InOrder:
    """The changes of a document, found as in `Opened.values` by who walks it once in its order."""

    def __init__(self, changes: Items[Change]) -> None:
        self._changes = iter(changes)
        self._next = next(self._changes, None)

    def get(self, target: int) -> Change | None:
        change = self._next
        if change is None or id(change.target) != target:
            return None
        self._next = next(self._changes, None)
        return change


_Changes = MappingABC[int, Change] | _InOrder


def _with_values(node: Node, changes: _Changes) -> Node:
    if isinstance(node, Leaf):
        change = changes.get(id(node))
        return node if change is None else node._replace(value=change.value)
    if isinstance(node, Mapping):
        entries: list[Entry | Comment] = []
        for item in node.entries:
            if isinstance(item, Comment):
                entries.append(_comment_with_text(item, changes))
                continue
            value = _with_values(item.value, changes)
            same = value is item.value
            entries.append(
                item if same else Entry(item.key, value, item.start, item.end, item.line, item.merge)
            )
        return Mapping(tuple(entries), node.start, node.end, node.flow)
    return Sequence(tuple(_plain_items(node.items, changes)), node.start, node.end, node.flow)


def _plain_items(items: Items[Node | Comment], changes: _Changes) -> list[Node | Comment]:
    plain: list[Node | Comment] = []
    for item in items:
        if isinstance(item, Comment):
            plain.append(_comment_with_text(item, changes))
        elif not isinstance(item, Leaf):
            plain.append(_with_values(item, changes))
        elif (change := changes.get(id(item))) is None:
            plain.append(item)
        elif change.becomes_comment:
            plain.append(Comment(item.path[:-1], str(change.value), item.start, item.end, item.line))
        else:
            plain.append(item._replace(value=change.value))
    return plain


def _comment_with_text(comment: Comment, changes: _Changes) -> Comment:
    change = changes.get(id(comment))
    return comment if change is None else comment._replace(text=str(change.value))
