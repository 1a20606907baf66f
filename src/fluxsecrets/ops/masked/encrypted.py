"""Mask a file that is encrypted with SOPS, in whatever format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fluxsecrets.errors import DataKeyError, FluxsecretsError
from fluxsecrets.ops.files.content import OpenedFile, open_parsed, own_selector, parse
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.manifests import may_hold_secret, read_manifests
from fluxsecrets.sops.document import Document, Leaf
from fluxsecrets.sops.formats import Format, make_format
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.values import Value, scalar_text

from .leaves import MaskedText, masked_text, places_in
from .masks import Masks


@dataclass(frozen=True, slots=True)
class Opening:
    """What came of opening a file.

    Attributes:
        file: it, if an identity opens it and its MAC is right.
        problem: why not, if that is an error. A missing identity is not one.
    """

    file: OpenedFile | None = field(default=None, repr=False)
    problem: FluxsecretsError | None = None


def mask_encrypted(
    session: Session, data: bytes, format_name: str, name: str, masks: Masks, *, show_values: bool
) -> tuple[MaskedText, FluxsecretsError | None]:
    """Mask an encrypted file, or decrypt it with `show_values`.

    A file that none of the identities opens, or whose MAC is wrong, is masked by its ciphertexts.

    Args:
        session: the run.
        data: the content.
        format_name: the format that it is encrypted in.
        name: of the file, without folders.
        masks: make the placeholders.
        show_values: decrypt instead.

    Returns:
        The text, and what is wrong with the file, or None.

    Raises:
        FluxsecretsError: the file can't be parsed.
    """
    format_ = make_format(format_name)
    document = parse(format_, data, session.limits)
    opening = _open(session, format_, document)
    opened = opening.file
    if show_values and opened is not None:
        return MaskedText(opened.text(), opened.values, 0), None
    if format_.single_value:
        return _single(document, opened, name, masks), opening.problem
    values = None
    if opened is not None:
        values = {place: change.value for place, change in opened.opened.values.items()}
    encrypted = _encrypted_parts(document, data, session)
    places = places_in(document, encrypted).with_secret(_added_by_hand(document))
    return masked_text(format_, document, places, masks, values), opening.problem


def _open(session: Session, format_: Format, document: Document) -> Opening:
    if document.metadata is None:
        return Opening()
    try:
        return Opening(open_parsed(format_, document, session.providers))
    except DataKeyError:
        return Opening()
    except FluxsecretsError as error:
        return Opening(problem=error)


def _single(document: Document, opened: OpenedFile | None, name: str, masks: Masks) -> MaskedText:
    leaf = next(document.leaves)
    if opened is None:
        return MaskedText(_as_bytes(masks.closed(str(leaf.value), name)), 0, 1)
    plain = opened.opened.values.get(id(leaf))
    value = leaf.value if plain is None else plain.value  # an empty file is not encrypted
    return MaskedText(masks.content(_as_bytes(value), name), 1, 0)


def _as_bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else scalar_text(value).encode("utf-8", "surrogateescape")


def _encrypted_parts(document: Document, data: bytes, session: Session) -> frozenset[int]:
    """The documents that have a `sops` block; a plain Secret may be beside them."""
    every = frozenset(range(len(document.parts)))
    if document.metadata is None:
        return frozenset()
    if len(document.parts) < 2 or not may_hold_secret(data):
        return every
    manifests = read_manifests(data, "", session.limits).manifests
    return every - {each.index for each in manifests if each.is_secret and not each.has_sops}


def _added_by_hand(document: Document) -> Iterator[int]:
    """The values that the file's own selector would encrypt: in plain text, somebody put them there later."""
    if document.metadata is None:
        return
    try:
        selector = own_selector(document.metadata)
    except FluxsecretsError:
        yield from (id(leaf) for leaf in document.leaves)
        return
    for item, encrypts in selected(document, selector):
        if encrypts and isinstance(item, Leaf):
            yield id(item)
