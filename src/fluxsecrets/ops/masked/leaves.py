"""Put placeholders into a parsed file: which of its values are secrets, and its text without them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import holds_private_key, is_ciphertext, is_encrypted_comment
from fluxsecrets.repo.manifests import Manifest, child, is_reference, merged_maps, objects_in
from fluxsecrets.repo.secretobject import COPIES, FIELDS
from fluxsecrets.sops.document import Change, Comment, Document, Entry, Leaf, Node, Path
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Format, Limits, not_checked
from fluxsecrets.sops.values import Value, canonical_bytes, scalar_text

from .masks import Masks

_SHORTEST = 4
"""Characters of a value that is masked wherever the same text is a value of the file."""


_NAMES = (
    *(("apiVersion",), ("kind",), ("type",)),
    *(("metadata", "name"), ("metadata", "namespace"), ("metadata", "labels")),
)


@dataclass(frozen=True, slots=True)
class Places:
    """The values of a document that need care; the leaves are known by their identity.

    Attributes:
        secret: plain values of Secrets, and the comments among them.
        base64: values that Kubernetes decodes.
    """

    secret: frozenset[int] = frozenset()
    base64: frozenset[int] = frozenset()

    def with_secret(self, more: Iterable[int]) -> Places:
        """Return the places with more secrets."""
        return replace(self, secret=self.secret.union(more))


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A file's text with placeholders.

    Attributes:
        values: how many are made from values.
        closed: how many are made from ciphertexts.
    """

    data: bytes = field(repr=False)
    values: int
    closed: int


def name_of(path: Path) -> str:
    """Return the last key of a path, without the positions in lists; "" without one."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def places_in(document: Document, encrypted: Collection[int] = ()) -> Places:
    """Return the values of a document's Kubernetes objects that need care.

    Args:
        document: with or without a `sops` block.
        encrypted: the parts that have one: what is plain in them is so on purpose.
    """
    secret: set[int] = set()
    base64: set[int] = set()
    for number, part in enumerate(document.parts):
        for each in objects_in(part, number):
            if each.is_secret:
                found = _secret_places(each.node)
                base64 |= found.base64
                # A copy of the whole Secret is never what a selector leaves plain on purpose.
                secret |= {id(leaf) for leaf in _copies(each)}
                secret |= found.secret if number not in encrypted else set()
            else:
                base64 |= {id(item) for item in _items(each.node.get("binaryData"))}
    return Places(frozenset(secret), frozenset(base64))


def secrets_in(document: Document) -> Places:
    """Return the values that need care if each document is a Secret, whatever its kind says."""
    places = places_in(document)
    found = [_secret_places(part) for part in document.parts]
    secret = places.secret.union(*(each.secret for each in found))
    return Places(secret, places.base64.union(*(each.base64 for each in found)))


def _secret_places(node: MapNode) -> Places:
    """The values of a Secret, also by YAML's merge keys, and comments that may be about them.

    Those above all of it, and those in `metadata`, are about the object.
    """
    entries = dropwhile(lambda each: isinstance(each, Comment), node.entries)
    secret = {id(each) for each in entries if isinstance(each, Comment)}
    base64: set[int] = set()
    for each in (node, *merged_maps(node)):
        secret |= {id(item) for name in FIELDS for item in _items(each.get(name))}
        base64 |= {id(item) for item in _items(each.get("data"))}
    return Places(frozenset(secret), frozenset(base64))


def everywhere(document: Document) -> Places:
    """Return all values and comments of a document, without what names and describes Kubernetes objects."""
    kept = {
        id(item)
        for number, part in enumerate(document.parts)
        for each in objects_in(part, number)
        for name in ("apiVersion", "kind", "metadata")
        for item in _items(each.node.get(name))
    }
    return places_in(document).with_secret({id(item) for item in document.items} - kept)


def masked_text(
    format_: Format,
    document: Document,
    places: Places,
    masks: Masks,
    opened: Mapping[int, Value] | None = None,
) -> MaskedText:
    """Return a document's text with placeholders, without its `sops` block and its encrypted comments.

    Args:
        format_: of the document.
        document: parsed by it.
        places: what is secret although it is plain.
        masks: make the placeholders.
        opened: the values of ciphertexts by the identity of their leaves; None if nothing is decrypted.

    Raises:
        FormatError: the text did not pass its own check; the error contains no value.
    """
    mark = os.urandom(16).hex()
    changes: list[Change] = []
    values = closed = 0
    same = _values_of(document, places)
    names = _names_in(document) if same else frozenset()
    for item in document.items:
        if isinstance(item, Comment):
            if is_ciphertext(item.text) or id(item) in places.secret or holds_private_key(item.text):
                changes.append(Change(item, mark, encrypted=False))
        elif item.alias:
            continue
        elif is_encrypted_comment(item.value):  # sops writes comments in lists as items
            changes.append(Change(item, mark, encrypted=False, becomes_comment=True))
        elif (
            new := _masked(item, format_, places, masks, opened, () if id(item) in names else same)
        ) is not None:
            changes.append(Change(item, new, encrypted=False))
            is_closed = is_ciphertext(item.value) and (opened is None or id(item) not in opened)
            values, closed = values + (not is_closed), closed + is_closed
    if not changes and document.metadata is None:
        return MaskedText(format_.rewrite(document, (), None), 0, 0)
    data = _without_comments(format_.rewrite(document, changes, None), mark)
    _check(format_, document, changes, data)
    return MaskedText(data, values, closed)


def _masked(
    leaf: Leaf,
    format_: Format,
    places: Places,
    masks: Masks,
    opened: Mapping[int, Value] | None,
    same: Collection[Value],
) -> Value:
    """The placeholder of a leaf, or None for one that stays."""
    name, base64 = name_of(leaf.path), id(leaf) in places.base64
    found: Value = None
    if opened is not None and id(leaf) in opened:
        found = masks.value(opened[id(leaf)], name, base64=base64)
    elif is_ciphertext(leaf.value):
        found = masks.closed(str(leaf.value), name, base64=base64)
    elif _is_secret(leaf, places, same):
        found = masks.value(leaf.value, name, base64=base64)
    # Formats that know text only have no other types.
    return found if found is None or format_.levels is None else scalar_text(found)


def _is_secret(leaf: Leaf, places: Places, same: Collection[Value]) -> bool:
    if leaf.value is None or leaf.value == "" or is_reference(leaf.value):
        return False
    if isinstance(leaf.value, str) and holds_private_key(leaf.value):
        return True
    return id(leaf) in places.secret or (bool(same) and isinstance(leaf.value, str) and leaf.value in same)


def _values_of(document: Document, places: Places) -> frozenset[Value]:
    """Texts that are secret in one place of a file, and so in all: an alias repeats an anchor's value."""
    if not places.secret:
        return frozenset()
    return frozenset(
        leaf.value
        for leaf in document.leaves
        if id(leaf) in places.secret and isinstance(leaf.value, str) and len(leaf.value) >= _SHORTEST
    )


def _names_in(document: Document) -> frozenset[int]:
    """What an object is called is what it is called, even if a value is the same text."""
    return frozenset(
        id(item)
        for number, part in enumerate(document.parts)
        for each in objects_in(part, number)
        for keys in _NAMES
        for item in _items(child(each.node, *keys))
    )


def _without_comments(data: bytes, mark: str) -> bytes:
    sign = mark.encode()
    if sign not in data:
        return data
    data = re.sub(rb"(?m)^[ \t]*[#;][ \t]*%b[^\n]*(?:\n|\Z)" % sign, b"", data)
    return re.sub(rb"[ \t]*[#;][ \t]*%b[^\r\n]*" % sign, b"", data)


def _check(format_: Format, document: Document, changes: Sequence[Change], data: bytes) -> None:
    """Read the text again: it holds the placeholders, the plain values as they were, and nothing else."""
    if format_.single_value:
        return
    new = {id(change.target): change.value for change in changes if isinstance(change.target, Leaf)}
    gone = {id(change.target) for change in changes if change.becomes_comment}
    expected = [
        (leaf.path, new.get(id(leaf), leaf.value))
        for leaf in document.leaves
        if not leaf.alias and id(leaf) not in gone
    ]
    try:
        found = format_.parse(data, Limits(size=len(data)))
    except FluxsecretsError:
        raise not_checked("masked") from None
    read = [(leaf.path, leaf.value) for leaf in found.leaves if not leaf.alias]
    same = len(read) == len(expected) and all(
        (gone or one[0] == other[0]) and canonical_bytes(one[1]) == canonical_bytes(other[1])
        for one, other in zip(read, expected, strict=True)
    )
    if found.metadata is not None or not same:
        raise not_checked("masked")


def leaves_below(node: Node | None) -> Iterator[Leaf]:
    """Yield the values below a node, or the node itself if it is one."""
    yield from (item for item in _items(node) if isinstance(item, Leaf))


def _items(node: Node | None) -> Iterator[Leaf | Comment]:
    """The values and comments below a node."""
    if isinstance(node, Leaf):
        yield node
        return
    for item in node.entries if isinstance(node, MapNode) else node.items if node is not None else ():
        if isinstance(item, Comment):
            yield item
        else:
            yield from _items(item.value if isinstance(item, Entry) else item)


def _copies(manifest: Manifest) -> Iterator[Leaf]:
    """Annotations with a copy of the whole Secret."""
    annotations = child(manifest.node, "metadata", "annotations")
    for entry in annotations.entries if isinstance(annotations, MapNode) else ():
        if isinstance(entry, Entry) and entry.key in COPIES and isinstance(entry.value, Leaf):
            yield entry.value
