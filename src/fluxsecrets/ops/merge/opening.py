"""Open the three versions of an encrypted file, each with a checked MAC."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex

from fluxsecrets.errors import DataKeyError, IntegrityError, NotEncryptedError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.files.content import OpenedFile, open_parsed, own_selector
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.cipher import Cipher, additional_data
from fluxsecrets.sops.decryption import open_document
from fluxsecrets.sops.document import Change, Comment, Document, Leaf
from fluxsecrets.sops.envelope import Providers, open_data_key
from fluxsecrets.sops.formats import Format
from fluxsecrets.sops.metadata import KeyGroup, Metadata
from fluxsecrets.sops.opened import Opened
from fluxsecrets.sops.recipients import recipient_key
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.values import Value

from .versions import BASE, OURS, THEIRS, Documents, blaming


@dataclass(frozen=True, slots=True)
class OpenedVersions:
    """The three versions, decrypted."""

    base: OpenedFile | None
    ours: OpenedFile
    theirs: OpenedFile


def open_versions(format_: Format, documents: Documents, session: Session) -> OpenedVersions:
    """Decrypt three versions. A data key that two of them share is decrypted once.

    A version that is not encrypted for any identity at hand opens with the data key of another version, if
    that is its key. So a new member of the team can merge older branches.

    Raises:
        DataKeyError: no identity at hand opens one of them.
        IntegrityError: the MAC of one of them is wrong.
        NotEncryptedError, MetadataError: one of them is not encrypted, or its block is invalid.
    """
    opened: dict[str, OpenedFile] = {}
    locked: dict[str, tuple[Document, DataKeyError]] = {}
    for side, document in ((OURS, documents.ours), (THEIRS, documents.theirs), (BASE, documents.base)):
        if document is None:
            continue
        open_one = _open_assembled if side == BASE and documents.assembled else _open
        try:
            with blaming(side):
                opened[side] = open_one(format_, document, session.providers, tuple(opened.values()))
        except DataKeyError as error:
            locked[side] = document, error
    for side, (document, why) in locked.items():
        found = _open_with_any(format_, document, tuple(opened.values()))
        if found is None or is_for_us(session, found.metadata):
            raise why
        opened[side] = found
    return OpenedVersions(opened.get(BASE), opened[OURS], opened[THEIRS])


def _open(
    format_: Format, document: Document, providers: Providers, known: Sequence[OpenedFile]
) -> OpenedFile:
    metadata = document.metadata
    if metadata is not None:
        shared = [other for other in known if _same_wrapped_keys(metadata, other.metadata)]
        found = _open_with_any(format_, document, shared)
        if found is not None:
            return found
    return open_parsed(format_, document, providers)


def _open_with_any(format_: Format, document: Document, known: Sequence[OpenedFile]) -> OpenedFile | None:
    """Decrypt a file with the data key of another one, or return None if that key is not the file's."""
    if document.metadata is None:
        return None
    selector, single_value = own_selector(document.metadata), format_.single_value
    for other in known:
        # Wrapped keys prove nothing about a file that somebody put together: its MAC decides.
        with suppress(IntegrityError):
            opened = open_document(document, selector, other.opened.data_key, single_value=single_value)
            return OpenedFile(format_, opened)
    return None


def _open_assembled(
    format_: Format, document: Document, providers: Providers, known: Sequence[OpenedFile]
) -> OpenedFile:
    """Decrypt a base that has no valid MAC, value by value. What doesn't decrypt differs from everything.

    The base only says which side changed a value. Each value is bound to its place all the same.
    """
    metadata = document.metadata
    if metadata is None:
        raise NotEncryptedError("the file is not encrypted")
    shared = next((each for each in known if share_data_key(metadata, each.metadata)), None)
    data_key = open_data_key(metadata, providers) if shared is None else shared.opened.data_key
    ciphers = [Cipher(key) for key in (data_key, *(each.opened.data_key for each in known))]
    changes = [
        Change(item, _decrypted(ciphers, text, additional_data(item.path)), encrypted=False)
        for item, encrypts in selected(document, own_selector(metadata))
        if encrypts and is_ciphertext(text := text_of(item))
    ]
    return OpenedFile(format_, Opened(document, data_key, tuple(changes)))


def text_of(item: Leaf | Comment) -> str:
    """Return a ciphertext as it is in the text."""
    return item.text.strip() if isinstance(item, Comment) else str(item.value)


def _decrypted(ciphers: Sequence[Cipher], text: str, bound: bytes) -> Value:
    for cipher in ciphers:
        with suppress(IntegrityError):
            return cipher.decrypt(text, bound)
    return token_hex()


def is_for_us(session: Session, metadata: Metadata | None) -> bool:
    """Return whether the identities at hand are enough for a block. If it doesn't open, it is damaged."""
    return metadata is not None and session.opens(metadata.recipients, metadata.shamir_threshold)


def _same_wrapped_keys(one: Metadata, other: Metadata) -> bool:
    """Return whether all recipients that two blocks have in common have the same wrapped keys in both.

    If only some have, somebody may have damaged the others, and one of the identities at hand has to open it.
    """
    known = {recipient_key(key.recipient): key.enc for key in other.wrapped_keys}
    common = [key for key in one.wrapped_keys if recipient_key(key.recipient) in known]
    same = all(known[recipient_key(key.recipient)] == key.enc for key in common)
    return same and share_data_key(one, other)


def share_data_key(one: Metadata, other: Metadata) -> bool:
    """Return whether the wrapped keys of two blocks prove the same data key, without an identity.

    That is so if a recipient has the very same wrapped key in both. With several key groups each group must
    prove its share: shares of two splits of one data key don't fit together.
    """
    if len(one.key_groups) != len(other.key_groups):
        return False
    return all(map(_share, one.key_groups, other.key_groups))


def _share(one: KeyGroup, other: KeyGroup) -> bool:
    known = {(recipient_key(key.recipient), key.enc) for key in one.keys}
    return any((recipient_key(key.recipient), key.enc) in known for key in other.keys)
