"""Open the three versions of an encrypted file, each with a checked MAC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fluxsecrets.errors import IntegrityError
from fluxsecrets.ops.files.content import OpenedFile, open_parsed, own_selector
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.encryption import open_document
from fluxsecrets.sops.envelope import Providers
from fluxsecrets.sops.formats import Format
from fluxsecrets.sops.metadata import KeyGroup, Metadata
from fluxsecrets.sops.recipients import recipient_key

from .versions import BASE, OURS, THEIRS, Documents, blaming


@dataclass(frozen=True, slots=True)
class OpenedVersions:
    """The three versions, decrypted."""

    base: OpenedFile | None
    ours: OpenedFile
    theirs: OpenedFile


def open_versions(format_: Format, documents: Documents, providers: Providers) -> OpenedVersions:
    """Decrypt three versions. A data key that two of them share is decrypted once.

    Raises:
        DataKeyError: no identity at hand opens one of them.
        IntegrityError: the MAC of one of them is wrong.
        NotEncryptedError, MetadataError: one of them is not encrypted, or its block is invalid.
    """
    with blaming(OURS):
        ours = open_parsed(format_, documents.ours, providers)
    with blaming(THEIRS):
        theirs = _open(format_, documents.theirs, providers, (ours,))
    if documents.base is None:
        return OpenedVersions(None, ours, theirs)
    with blaming(BASE):
        return OpenedVersions(_open(format_, documents.base, providers, (ours, theirs)), ours, theirs)


def _open(
    format_: Format, document: Document, providers: Providers, known: Sequence[OpenedFile]
) -> OpenedFile:
    metadata = document.metadata
    for other in known if metadata is not None else ():
        if metadata is not None and share_data_key(metadata, other.metadata):
            try:
                return open_with(format_, document, metadata, other.opened.data_key)
            except IntegrityError:
                # The wrapped keys prove nothing about a file that somebody put together.
                break
    return open_parsed(format_, document, providers)


def open_with(format_: Format, document: Document, metadata: Metadata, data_key: DataKey) -> OpenedFile:
    """Decrypt a file with a data key that is known.

    Raises:
        IntegrityError: the MAC is wrong, or the file has another data key.
    """
    opened = open_document(document, own_selector(metadata), data_key, single_value=format_.single_value)
    return OpenedFile(format_, opened)


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
