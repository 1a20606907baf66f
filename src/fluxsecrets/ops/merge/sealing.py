"""Make the MAC and the ciphertexts of a merged text under its data key, and read the result back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fluxsecrets.errors import IntegrityError, UnprotectedError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.files.content import own_selector
from fluxsecrets.ops.files.verification import Expected, verify
from fluxsecrets.sops.cipher import Cipher, DataKey, additional_data
from fluxsecrets.sops.document import Change, Comment, Document, Leaf, show_path
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.mac import MacHash, seal_mac
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.opened import Opened
from fluxsecrets.sops.selection import is_empty, selected

from .canonical import COMMENT, Canonical, Ciphertext, Plain, places_of
from .opening import text_of


@dataclass(frozen=True, slots=True)
class Contents:
    """What a merged text holds, value by value.

    Attributes:
        document: the merged text; its ciphertexts are those of the versions.
        values: each value and comment that is a ciphertext, or is going to be one, with its plain value.
        uncovered: values that are plain text and that the merged selector encrypts.
        digest: what the MAC is made of.
    """

    document: Document
    values: tuple[tuple[Leaf | Comment, Plain], ...]
    uncovered: tuple[Leaf, ...]
    digest: str

    def opened(self, data_key: DataKey) -> Opened:
        """Return the text as it is when it is decrypted with its data key."""
        changes = [
            Change(
                target,
                plain.value,
                encrypted=False,
                becomes_comment=isinstance(target, Leaf) and plain.kind == COMMENT,
            )
            for target, plain in self.values
        ]
        return Opened(self.document, data_key, tuple(changes))


def contents_of(format_: Format, document: Document, metadata: Metadata, known: Canonical) -> Contents:
    """Look up the values of a merged text, and hash them for its MAC.

    Args:
        format_: its format.
        document: the merged text.
        metadata: its block: the selector decides what is encrypted.
        known: the versions that it was made of.

    Raises:
        UnprotectedError: a value is encrypted, and the merged selector doesn't cover it.
        IntegrityError: a ciphertext is in a place where none of the versions has it.
    """
    mac = MacHash(only_encrypted=metadata.mac_only_encrypted)
    values: list[tuple[Leaf | Comment, Plain]] = []
    uncovered: list[Leaf] = []
    for item, encrypts in selected(document, own_selector(metadata), single_value=format_.single_value):
        plain = _known(item, known.plain)
        if isinstance(item, Comment):
            if encrypts and plain is None and item.text and not is_ciphertext(item.text):
                plain = Plain(item.text, COMMENT)  # a version has it from before its selector covered it
            if encrypts and plain is not None:
                values.append((item, plain))
            continue
        if not encrypts:
            if plain is not None:
                raise UnprotectedError(
                    f"the merged selector does not cover {show_path(item.path)}, which is encrypted"
                )
            if not metadata.mac_only_encrypted:
                mac.add(item.value)
            continue
        if is_empty(item.value):
            continue
        if plain is None:
            if is_ciphertext(item.value):
                raise IntegrityError(f"the ciphertext of {show_path(item.path)} is from another place")
            plain = Plain(item.value, "str" if format_.single_value else None)
            uncovered.append(item)
        values.append((item, plain))
        if plain.kind != COMMENT:  # sops counts no comment, wherever it is
            mac.add(plain.value)
    return Contents(document, tuple(values), tuple(uncovered), mac.digest())


def sealed(
    format_: Format,
    contents: Contents,
    metadata: Metadata,
    expected: Opened,
    known: Canonical,
    *,
    fresh: bool,
    now: str,
    limits: Limits,
) -> bytes:
    """Return the merged text with its MAC and block, after it was read back.

    Args:
        format_: its format.
        contents: the merged values.
        metadata: the block, without a valid MAC.
        expected: the text as it is when it is decrypted, with the file's key.
        known: the versions that the text was made of.
        fresh: the data key is new, so every value is encrypted again; else values keep their ciphertexts.
        now: for `lastmodified`, RFC 3339.
        limits: limits of the result.

    Raises:
        UnprotectedError: the text, decrypted again, holds other values.
    """
    cipher = Cipher(expected.data_key)
    kept = {} if fresh else _kept(contents, known)
    changes = []
    for target, plain in contents.values:
        old = text_of(target)
        new = kept.get(id(target)) or cipher.encrypt(plain.value, additional_data(target.path), plain.kind)
        if new != old:
            changes.append(Change(target, new, encrypted=True))
    block = replace(metadata, lastmodified=now, mac=seal_mac(contents.digest, now, cipher))
    data = format_.rewrite(contents.document, changes, block)
    document = replace(contents.document, parts=expected.plain, metadata=None)
    verify(format_, Expected(document, expected.data_key, block), data, limits)
    return data


def _kept(contents: Contents, known: Canonical) -> dict[int, str]:
    """Return the ciphertexts that stay, by the identity of their places.

    Equal values of a side had different ciphertexts before they were made equal for the merge. Each place
    gets one of its own again, so that the result doesn't show which values are equal.
    """
    kept: dict[int, str] = {}
    left = {key: dict.fromkeys(texts) for key, texts in known.own.items()}
    places = places_of(contents.document) if left else {}
    later: list[tuple[int, Ciphertext]] = []
    for target, _ in contents.values:
        key = additional_data(target.path), text_of(target)
        if key not in known.plain:
            continue  # it was plain text
        if key not in left:
            kept[id(target)] = key[1]
            continue
        place = places.get(id(target))
        text = None if place is None else known.placed.get(place)
        if text is not None and text in left[key]:
            del left[key][text]
            kept[id(target)] = text
        else:
            later.append((id(target), key))
    for identity, key in later:
        if left[key]:
            text = next(iter(left[key]))
            del left[key][text]
            kept[identity] = text
    return kept


def _known(item: Leaf | Comment, plain: Mapping[Ciphertext, Plain]) -> Plain | None:
    if isinstance(item, Leaf) and not isinstance(item.value, str):
        return None
    return plain.get((additional_data(item.path), text_of(item)))
