"""Give equal values of three versions equal ciphertexts, so that the texts can be merged without a key.

Each encryption of a value has a nonce of its own. After a new data key, every ciphertext differs, although no
value does. Here the same value in the same place gets the ciphertext that our side has for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from fluxsecrets.merging import Place
from fluxsecrets.ops.files.content import OpenedFile
from fluxsecrets.sops.cipher import additional_data
from fluxsecrets.sops.document import Change, Comment, Document, Leaf, leaves_of
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.values import Value, canonical_bytes

from .opening import OpenedVersions, text_of

COMMENT = "comment"
"""The type of an encrypted comment, as it is in its ciphertext."""


class Plain(NamedTuple):
    """A decrypted value.

    Attributes:
        kind: the type to encrypt it as again; None for the value's own.
    """

    value: Value
    kind: str | None

    def __repr__(self) -> str:
        """Say nothing of the value."""
        return "Plain(hidden)"


Ciphertext = tuple[bytes, str]
"""What a ciphertext is bound to, and its text."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """Three versions in which equal ciphertexts mean equal values.

    Attributes:
        plain: the values of all ciphertexts in any of the versions.
        own: the ciphertexts that our side and then theirs have for a value, by its common ciphertext. Only
            where they are in several places: a value may be in a list twice, or in two documents.
        placed: which of them our side has in which document and place.
    """

    base: Document | None
    ours: Document
    theirs: Document
    plain: Mapping[Ciphertext, Plain] = field(repr=False)
    own: Mapping[Ciphertext, tuple[str, ...]] = field(repr=False)
    placed: Mapping[Place, str] = field(repr=False)


def canonical(versions: OpenedVersions, limits: Limits) -> Canonical:
    """Give equal values equal ciphertexts: those of our side, else of the base, else of their side.

    Equal are values with the same type and the same map keys above them, since that is what a ciphertext is
    bound to. Comments are equal if their text is.

    Args:
        versions: the opened versions.
        limits: for reading the texts again.
    """
    table = _Table()
    table.learn(versions.ours)
    if versions.base is not None:
        table.learn(versions.base)
    table.learn(versions.theirs)
    own = _several(versions.ours, versions.theirs, table)
    return Canonical(
        None if versions.base is None else table.apply(versions.base, limits),
        table.apply(versions.ours, limits),
        table.apply(versions.theirs, limits),
        table.plain,
        own,
        _placed(versions.ours.opened.document, own),
    )


def places_of(document: Document) -> dict[int, Place]:
    """Return where each value is, by its identity."""
    return {
        id(leaf): (number, leaf.path)
        for number, part in enumerate(document.parts)
        for leaf in leaves_of(part)
    }


def found_in(opened: OpenedFile) -> Iterator[tuple[Leaf | Comment, bytes, str, Plain]]:
    """Yield every ciphertext of a file: its place, what binds it, its text and its value."""
    for change in opened.opened.values.values():
        target = change.target
        text = text_of(target)
        if isinstance(target, Comment) or change.becomes_comment:
            kind: str | None = COMMENT
        else:
            kind = "str" if opened.format.single_value else None
        yield target, additional_data(target.path), text, Plain(change.value, kind)


class _Table:
    def __init__(self) -> None:
        self.plain: dict[Ciphertext, Plain] = {}
        self._texts: dict[tuple[bytes, str, bytes], str] = {}

    def learn(self, opened: OpenedFile) -> None:
        for _, bound, text, plain in found_in(opened):
            self.plain[bound, text] = plain
            self._texts.setdefault(_key(bound, plain), text)

    def text(self, bound: bytes, plain: Plain) -> str:
        return self._texts[_key(bound, plain)]

    def apply(self, opened: OpenedFile, limits: Limits) -> Document:
        document = opened.opened.document
        changes = [
            Change(target, new, encrypted=True)
            for target, bound, text, plain in found_in(opened)
            if (new := self.text(bound, plain)) != text and not getattr(target, "alias", False)
        ]
        if not changes:
            return document
        return opened.format.parse(opened.format.rewrite(document, changes, document.metadata), limits)


def _several(ours: OpenedFile, theirs: OpenedFile, table: _Table) -> dict[Ciphertext, tuple[str, ...]]:
    found: dict[Ciphertext, dict[str, None]] = {}
    where: dict[Ciphertext, set[object]] = {}
    for side in (ours, theirs):
        places, seen = places_of(side.opened.document), Counter[Ciphertext]()
        for target, bound, text, plain in found_in(side):
            key = bound, table.text(bound, plain)
            where.setdefault(key, set()).add(places.get(id(target), seen[key]))  # comments are counted
            seen[key] += 1
            found.setdefault(key, {})[text] = None
    return {key: tuple(found[key]) for key, places in where.items() if len(places) > 1}


def _placed(document: Document, own: Mapping[Ciphertext, tuple[str, ...]]) -> dict[Place, str]:
    if not own:
        return {}
    several = {text for texts in own.values() for text in texts}
    return {
        (number, leaf.path): str(leaf.value)
        for number, part in enumerate(document.parts)
        for leaf in leaves_of(part)
        if leaf.value in several
    }


def _key(bound: bytes, plain: Plain) -> tuple[bytes, str, bytes]:
    return bound, plain.kind or type(plain.value).__name__, canonical_bytes(plain.value)
