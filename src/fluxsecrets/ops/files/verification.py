"""The last check of an encrypted text: it is read and decrypted again before it is written anywhere."""

from __future__ import annotations

from collections import Counter

from fluxsecrets.errors import FluxsecretsError, FormatError, MetadataError, UnprotectedError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.cipher import Cipher, DataKey
from fluxsecrets.sops.comparison import same_trees
from fluxsecrets.sops.decryption import read_back
from fluxsecrets.sops.document import Comment, Document
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.metadata import Metadata, metadata_to_data
from fluxsecrets.sops.selectors import compile_selector
from fluxsecrets.sops.values import Value, canonical_bytes


class Expected(NamedTuple):
    """What a text has to hold when it is read again.

    Attributes:
        plain: its values.
        data_key: with which they are encrypted.
        metadata: its `sops` block.
    """

    plain: Document
    data_key: DataKey
    metadata: Metadata


def verify(format_: Format, expected: Expected, encrypted: bytes, limits: Limits) -> None:
    """Decrypt the text that is about to be written, and compare it with the original value by value.

    This is the last line of defence against a file that nobody could decrypt. Nothing is written without it.

    Args:
        format_: the text's format.
        expected: what it has to hold.
        encrypted: the text.
        limits: limits of the input.

    Raises:
        UnprotectedError: the encrypted text has different values or another `sops` block; the error contains
            no value.
    """
    if not is_verified_beside(format_, expected, encrypted, limits):
        verify_whole(format_, expected, encrypted, limits)


def is_verified_beside(format_: Format, expected: Expected, encrypted: bytes, limits: Limits) -> bool:
    """Whether a text of a common form is what `verify` wants; False says nothing."""
    beside = format_.read_beside(encrypted, limits, expected.plain)
    if beside is None or expected.metadata != beside.metadata:
        return False
    from fluxsecrets.sops.beside import holds_the_same  # decrypting does without

    try:
        selector = compile_selector(beside.metadata.selector)
    except FluxsecretsError:
        return False
    return holds_the_same(expected.plain, beside, selector, Cipher(expected.data_key))


def verify_whole(format_: Format, expected: Expected, encrypted: bytes, limits: Limits) -> None:
    """Do what `verify` does for a text of any form."""
    plain = expected.plain
    known = ((leaf.path, leaf.value) for leaf in plain.leaves)
    try:
        document = format_.read_again(encrypted, limits, known)
    except (FormatError, MetadataError) as error:
        raise _not_verified(error.message) from None
    written = document.metadata
    if written is None:
        raise _not_verified("it would not be recognised as encrypted")
    if metadata_to_data(written) != metadata_to_data(expected.metadata):
        raise _not_verified("its sops block says something else than it should")
    leaves, same = plain.leaves, same_trees(plain, document, values=False)
    # The order is not compared: an expanded alias can move a comment to another map.
    comments = Counter([item.text for item in plain.items if isinstance(item, Comment)])
    try:
        selector = compile_selector(written.selector)
        found = read_back(document, selector, expected.data_key, single_value=format_.single_value)
        for path, value, text in found:
            if path is None:
                # A comment that was a ciphertext before stays one, and may decrypt in its new place.
                left = not comments[str(value)] and is_ciphertext(text)
                comments[text if left else str(value)] -= 1
                continue
            leaf = next(leaves, None)
            same = same and leaf is not None and leaf.path == path and _same(leaf.value, value)
    except FluxsecretsError as error:
        raise _not_verified(error.message) from None
    if not same or next(leaves, None) is not None:
        raise _not_verified("values differ after decrypting it again")
    if any(comments.values()):
        raise _not_verified("comments differ after decrypting it again")


def _same(value: Value, other: Value) -> bool:
    if type(value) is str and type(other) is str:
        return value == other
    return _fingerprint(value) == _fingerprint(other)


def _fingerprint(value: Value) -> tuple[str, bytes]:
    kind = "text" if isinstance(value, str | bytes) else type(value).__name__
    return (kind, canonical_bytes(value))


def _not_verified(reason: str) -> UnprotectedError:
    return UnprotectedError(
        f"the encrypted file did not pass its own check, so nothing was written: {reason}",
        hint="this is a bug in fluxsecrets: please report it with the file's structure, without its values",
    )
