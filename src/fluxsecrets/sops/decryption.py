"""Decrypting whole documents: nothing comes out before the MAC was checked.

Pure: a parsed document goes in, its values come out. Follows `Tree.Decrypt` of sops.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from fluxsecrets.errors import IntegrityError, NotEncryptedError
from fluxsecrets.marks import SIGN, is_ciphertext

from .cipher import Cipher, DataKey, additional_data
from .document import Change, Comment, Document, Leaf, Path, show_path
from .mac import MacHash, check_mac
from .oddcomments import OddComments
from .opened import Opened
from .selection import each_selected, is_empty
from .selectors import Selector
from .values import Value, value_from_bytes


def open_document(
    document: Document,
    selector: Selector,
    data_key: DataKey,
    *,
    single_value: bool = False,
    verify_mac: bool = True,
) -> Opened:
    """Decrypt all values of an encrypted document and check its MAC.

    Args:
        document: encrypted.
        selector: what is encrypted in it.
        data_key: the file's key.
        single_value: the format knows one value alone.
        verify_mac: False is sops's `--ignore-mac`: values may have been added, removed, moved or swapped.

    Raises:
        NotEncryptedError: no `sops` block.
        IntegrityError: a value that should be a ciphertext is not one, was changed or moved, or the
            MAC does not match. No value is in the error.
    """
    opener = _decrypt(document, selector, data_key, single_value=single_value, verify_mac=verify_mac)
    of_aliases = tuple(change for change in opener.changes if getattr(change.target, "alias", False))
    own = opener.changes
    if of_aliases:
        own = [change for change in own if not getattr(change.target, "alias", False)]
    return Opened(
        document,
        data_key,
        tuple(own),
        (*opener.warnings, *opener.odd.warnings()),
        of_aliases,
        single_value,
    )


def read_back(
    document: Document,
    selector: Selector,
    data_key: DataKey,
    *,
    single_value: bool = False,
) -> Iterator[tuple[Path | None, Value, str]]:
    """What an encrypted document holds, for a comparison with what it was made of.

    Less than `open_document`: one value at a time is in memory. It counts only once it has come to its end,
    where the MAC is checked.

    Yields:
        Path and value of each leaf in document order, and an empty text; for a comment None, its text, and
        the text as it stands in the encrypted document.

    Raises:
        NotEncryptedError, IntegrityError: as `open_document`; or the selector selects a comment that is plain
            text, of which `open_document` only warns, since anybody can add one to a file.
    """
    opener = _Opener(document, data_key)
    for item, encrypts in each_selected(document, selector, single_value=single_value):
        change = opener.take(item, encrypts=encrypts, single_value=single_value)
        if isinstance(item, Comment):
            if encrypts and item.text and not is_ciphertext(item.text):
                raise IntegrityError("a comment should be encrypted and is plain text", line=item.line)
            yield None, item.text if change is None else change.value, item.text
        elif change is not None and change.becomes_comment:
            yield None, change.value, ""
        else:
            yield item.path, item.value if change is None else change.value, ""
    opener.check_mac()


def _decrypt(
    document: Document,
    selector: Selector,
    data_key: DataKey,
    *,
    single_value: bool,
    verify_mac: bool = True,
) -> _Opener:
    """Decrypt all values, and check the MAC."""
    opener = _Opener(document, data_key)
    for item, encrypts in each_selected(document, selector, single_value=single_value):
        change = opener.take(item, encrypts=encrypts, single_value=single_value)
        if change is not None:
            opener.changes.append(change)
    if verify_mac:
        opener.check_mac()
    return opener


def not_encrypted(document: Document) -> NotEncryptedError:
    """The error for a document without a `sops` block, which may have lost it."""
    damaged = next((leaf for leaf in document.leaves if is_ciphertext(leaf.value)), None)
    if damaged is None:
        return NotEncryptedError("the file is not encrypted")
    return NotEncryptedError(
        "the file holds ciphertexts, but its sops block is missing",
        line=damaged.line,
        hint="it was cut off, or the block was deleted: restore the file from git",
    )


class _Opener:
    """Collects while the document is walked; nothing leaves before the MAC was checked."""

    def __init__(self, document: Document, data_key: DataKey) -> None:
        """Start; raises NotEncryptedError for a document without a `sops` block."""
        if document.metadata is None:
            raise not_encrypted(document)
        self.cipher = Cipher(data_key)
        self.mac = MacHash(only_encrypted=document.metadata.mac_only_encrypted)
        self.changes: list[Change] = []
        self.warnings: list[str] = []
        self.odd = OddComments()
        self._metadata = document.metadata
        self._only_encrypted = document.metadata.mac_only_encrypted

    def check_mac(self) -> None:
        """Compare the values that were taken with the file's MAC; raises as `mac.check_mac`."""
        check_mac(self.mac.digest(), self._metadata.mac, self._metadata.lastmodified, self.cipher)

    def take(self, item: Leaf | Comment, *, encrypts: bool, single_value: bool) -> Change | None:
        """Take the next value or comment; return what it is where it is a ciphertext that was opened."""
        if isinstance(item, Comment):
            return self._take_comment(item, encrypts=encrypts) if item.text else None
        if not encrypts:
            if item.alias and is_ciphertext(item.value):
                raise IntegrityError(
                    f"the value of {show_path(item.path)} is a YAML alias of an encrypted value",
                    line=item.line,
                    hint="sops never writes that: restore the file from git",
                )
            if not self._only_encrypted:
                self.mac.add(item.value)
            return None
        return None if is_empty(item.value) else self._take_value(item, single_value=single_value)

    def _take_comment(self, comment: Comment, *, encrypts: bool) -> Change | None:
        """Open a comment that the selector selects, under the path of its own map.

        Comments are not in the MAC and `type:` is not authenticated, so anybody can write the ciphertext of
        a value as a comment. Opened elsewhere, or under another path, it would be written in plain text
        where the selector does not reach. What does not open is left as it is, as sops leaves it.
        """
        text = comment.text.strip()
        if not is_ciphertext(text):
            if encrypts:
                self.warnings.append(f"the comment on line {comment.line} is not encrypted")
            return None
        if not encrypts:
            self.odd.add(comment, encrypts=False)
            return None
        with suppress(IntegrityError):
            data, kind = self.cipher.decrypt_bytes(text, additional_data(comment.path))
            if kind == "comment":
                return Change(comment, str(value_from_bytes(kind, data)), encrypted=False)
        self.odd.add(comment, encrypts=True)
        return None

    def _take_value(self, leaf: Leaf, *, single_value: bool) -> Change:
        if not isinstance(leaf.value, str) or not leaf.value.startswith(SIGN):
            raise IntegrityError(
                f"the value of {show_path(leaf.path)} should be encrypted and is plain text",
                line=leaf.line,
                hint="somebody added or replaced it by hand: treat it as leaked if it was committed, "
                "and put the encrypted version back from git before changing it",
            )
        try:
            data, kind = self.cipher.decrypt_bytes(leaf.value, additional_data(leaf.path))
            value: Value = data if single_value and kind in ("str", "bytes") else value_from_bytes(kind, data)
        except IntegrityError as error:
            raise IntegrityError(
                f"the value of {show_path(leaf.path)} cannot be decrypted: {error.message}",
                line=leaf.line,
                hint="restore the file from git, or ask the person who encrypted it",
            ) from None
        if kind == "comment" and leaf.path and isinstance(leaf.path[-1], int):
            # sops writes comments in lists as items and counts none of them in the MAC. Elsewhere it writes
            # none as values, so there they count: else a comment could become the value of an empty key.
            return Change(leaf, value, encrypted=False, becomes_comment=True)
        if isinstance(value, str | bytes):
            self.mac.add_bytes(data)  # they are its canonical form already
        else:
            self.mac.add(value)
        return Change(leaf, value, encrypted=False)
