"""Read the three versions of a file as documents of one format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.merging.markers import Hunks, read_markers
from fluxsecrets.ops.files.content import check_encrypted, parse
from fluxsecrets.sops.cipher import Cipher, DataKey
from fluxsecrets.sops.comparison import same_trees, same_value
from fluxsecrets.sops.document import Change, Document
from fluxsecrets.sops.formats import Format, Limits

from .model import Versions

BASE, OURS, THEIRS = "the common ancestor", "the current branch", "the other branch"
"""The sides in messages."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The three versions, parsed.

    Attributes:
        assembled: the base has no MAC of its own, see `assemble`.
    """

    base: Document | None
    ours: Document
    theirs: Document
    assembled: bool = False

    @property
    def given(self) -> Iterator[Document]:
        """All of them."""
        return (each for each in (self.base, self.ours, self.theirs) if each is not None)


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
    ours = _read(format_, versions.ours, limits, OURS)
    theirs = _read(format_, versions.theirs, limits, THEIRS)
    if versions.base is None:
        return Documents(None, ours, theirs)
    with blaming(BASE):
        hunks = read_markers(versions.base)
        if hunks is not None:
            return Documents(assemble(format_, hunks, limits), ours, theirs, assembled=True)
    return Documents(_read(format_, versions.base, limits, BASE), ours, theirs)


def assemble(format_: Format, hunks: Hunks, limits: Limits) -> Document:
    """Make one base of a base with conflict markers.

    If two branches have several merge bases, git merges these first, and keeps the conflicts of that merge
    in the result. A value that has a conflict there must differ from that of every side, so that it is a
    conflict again unless both sides agree on it. It gets a ciphertext that no side has.

    Raises:
        FormatError: the conflicts are about more than single values.
        FluxsecretsError: one side of the markers can't be parsed.
    """
    one, two = parse(format_, hunks.ours, limits), parse(format_, hunks.theirs, limits)
    if format_.single_value or not same_trees(one, two, values=False):
        raise FormatError("conflicts of several merge bases can't be told apart")
    cipher = Cipher(DataKey.generate())
    changes = [
        Change(leaf, cipher.encrypt(str(number), b""), encrypted=True)
        for number, (leaf, other) in enumerate(zip(one.leaves, two.leaves, strict=True))
        if not same_value(leaf.value, other.value)
    ]
    return parse(format_, format_.rewrite(one, changes, one.metadata), limits)


def _read(format_: Format, data: bytes, limits: Limits, side: str) -> Document:
    with blaming(side):
        document = parse(format_, data, limits)
        check_encrypted(document, single_value=format_.single_value)
    return document
