"""Read the three versions of a file as documents of one format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.content import check_encrypted, parse
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import Format, Limits

from .model import Versions

BASE, OURS, THEIRS = "the common ancestor", "the current branch", "the other branch"
"""The sides in messages."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The three versions, parsed."""

    base: Document | None
    ours: Document
    theirs: Document


@contextmanager
def blaming(side: str) -> Iterator[None]:
    """Name the side in errors: each version has the same path."""
    try:
        yield
    except FluxsecretsError as error:
        error.message = f"the version of {side}: {error.message}"
        raise


def read_versions(format_: Format, versions: Versions, limits: Limits) -> Documents:
    """Parse three encrypted versions.

    Raises:
        FormatError, LimitError, MetadataError: one of them can't be parsed.
        IntegrityError: a value that its selector encrypts is plain text, or there is no MAC.
        NotEncryptedError: one of them is plain text.
    """
    base = None if versions.base is None else _read(format_, versions.base, limits, BASE)
    ours = _read(format_, versions.ours, limits, OURS)
    return Documents(base, ours, _read(format_, versions.theirs, limits, THEIRS))


def _read(format_: Format, data: bytes, limits: Limits, side: str) -> Document:
    with blaming(side):
        document = parse(format_, data, limits)
        check_encrypted(document, single_value=format_.single_value)
    return document
