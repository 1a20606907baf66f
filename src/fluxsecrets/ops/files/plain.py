"""Read manifests as plain text, from plain files or SOPS files."""

from __future__ import annotations

from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.policy.policy import is_secret_list
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.manifesttext import ManifestText, open_manifests
from fluxsecrets.sops.document import Comment
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.selection import selected

from .content import OpenedFile, open_file, own_selector, refuse_leftovers
from .split import split_lists


@dataclass(frozen=True, slots=True)
class PlainManifests:
    """A file of manifests in plain text.

    Attributes:
        opened: the encrypted file, or None for a plain one.
        hidden: `start` of the comments that are encrypted there.
    """

    text: ManifestText
    opened: OpenedFile | None = None
    hidden: frozenset[int] = field(default_factory=frozenset)


def read_plain(session: Session, data: bytes, name: str) -> PlainManifests:
    """Read a file of manifests. A SOPS file is decrypted, and its MAC is checked.

    Secrets in a List become separate documents.

    Raises:
        FormatError, LimitError: the content is not YAML or JSON with maps at the top.
        DataKeyError, IntegrityError, MetadataError: the file can't be decrypted.
        NotEncryptedError: it has ciphertexts but no `sops` block.
    """
    format_name = detect_encryption(data, name) if b"sops" in data else None
    if format_name is None:
        text = open_manifests(data, session.limits)
        refuse_leftovers(text.document)
        if not text.json and any(map(is_secret_list, text.parts)):
            text = open_manifests(split_lists(data, session.limits), session.limits)
        return PlainManifests(text)
    opened = open_file(make_format(format_name), data, session.providers, session.limits)
    text = open_manifests(opened.text(), session.limits)
    selector = own_selector(opened.metadata)
    hidden = frozenset(
        item.start
        for item, encrypts in selected(text.document, selector)
        if encrypts and isinstance(item, Comment)
    )
    return PlainManifests(text, opened, hidden)


def read_plain_or_none(session: Session, data: bytes | None, name: str) -> PlainManifests | None:
    """Read a file of manifests, or return None if it is missing or can't be decrypted."""
    if data is None:
        return None
    try:
        return read_plain(session, data, name)
    except FluxsecretsError:
        return None
