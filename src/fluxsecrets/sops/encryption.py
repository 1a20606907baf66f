"""Encrypting and decrypting whole documents: selector, cipher and MAC put together.

Both directions are pure: a parsed document goes in, a list of changes comes out, and nothing comes out
before everything was authenticated. Follows `Tree.Encrypt` and `Tree.Decrypt` of sops.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence as Items
from contextlib import suppress
from functools import lru_cache

from fluxsecrets.errors import AlreadyEncryptedError, IntegrityError, NotEncryptedError, UnprotectedError
from fluxsecrets.marks import SIGN, is_ciphertext
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

from .cipher import Cipher, DataKey, additional_data
from .digests import is_equal, sha512
from .document import (
    Change,
    Comment,
    Document,
    Entry,
    Kept,
    Leaf,
    Mapping,
    Node,
    Path,
    Sequence,
    show_path,
    walk,
)
from .metadata import Metadata
from .selectors import Selector, SelectorKind
from .values import Timestamp, Value, canonical_bytes, value_from_bytes

_ONLY_ENCRYPTED_START = bytes.fromhex("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")


_Key = tuple[Path, str, bytes]
"""Path, type and value."""


class MacHash:
    """Takes values in document order and gives their digest."""

    __slots__ = ("_hash",)

    def __init__(self, *, only_encrypted: bool) -> None:
        """Start; a MAC over encrypted values only starts from bytes of its own."""
        self._hash = sha512(_ONLY_ENCRYPTED_START if only_encrypted else b"")

    def add(self, value: Value) -> None:
        """Take the next value; null adds nothing."""
        self._hash.update(canonical_bytes(value))

    def add_bytes(self, data: bytes) -> None:
        """Take the next value as its canonical bytes."""
        self._hash.update(data)

    def digest(self) -> str:
        """The digest so far in upper-case hexadecimal, as SOPS writes it."""
        return self._hash.hexdigest().upper()


def seal_mac(digest: str, lastmodified: str, cipher: Cipher) -> str:
    """Encrypt a digest for the `mac` field, bound to `lastmodified`."""
    return cipher.encrypt(digest, mac_additional_data(lastmodified))


def check_mac(digest: str, mac: str | None, lastmodified: str, cipher: Cipher) -> None:
    """Compare a digest with a file's `mac` field.

    Raises:
        IntegrityError: there is no MAC, it does not belong to this `lastmodified`, or differs.
    """
    if not mac:
        raise IntegrityError(
            "the file has no MAC, so nobody can tell whether it was changed",
            hint="restore the file from git, or ask the person who encrypted it",
        )
    try:
        expected, _ = cipher.decrypt_bytes(mac, mac_additional_data(lastmodified))
    except IntegrityError:
        raise IntegrityError(
            "the MAC itself was changed, or lastmodified was",
            hint="restore the file from git, or ask the person who encrypted it",
        ) from None
    if not is_equal(expected, digest.encode()):
        raise IntegrityError(
            "the MAC does not match: a value was changed, added, removed or reordered "
            "after the file was encrypted",
            hint="compare it with git (git log -p FILE); to change a plain value of an encrypted file, "
            "decrypt it, change it, and encrypt it again; after a merge, `fluxsecrets resolve FILE`",
        )


# The files of a repository were often encrypted at one time, and a run knows one "now".
@lru_cache(maxsize=16)
def mac_additional_data(lastmodified: str) -> bytes:
    """What binds a MAC to a file's `lastmodified`: sops parses the field and formats it again first."""
    text = Timestamp.parse(lastmodified).text
    return (re.sub(r"\.[0-9]+", "", text) if "." in text else text).encode()


class Encrypted(NamedTuple):
    """What encrypting a document comes to.

    Attributes:
        changes: a ciphertext for each selected value and comment.
        digest: what the MAC is made of.
        reused: how many ciphertexts were taken over from the previous version of the file.
        plain: the values and comments that stay as they are.
        warnings: what is odd but not an error, one sentence each.
    """

    changes: tuple[Change, ...]
    digest: str
    reused: int
    plain: tuple[Leaf | Comment, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A document whose MAC was checked, with its values.

    Rarely needed properties are computed on demand: they would double the cost of a large file.

    Attributes:
        document: the encrypted document.
        changes: the value of each ciphertext.
        warnings: what is odd but not an error, one sentence each.
    """

    document: Document
    data_key: DataKey
    changes: tuple[Change, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()
    _of_aliases: tuple[Change, ...] = field(default=(), repr=False)
    _single_value: bool = False
    _plain: list[tuple[Mapping, ...]] = field(default_factory=list, repr=False, compare=False)

    @property
    def plain(self) -> tuple[Mapping, ...]:
        """The document's parts with their values in place, sops's list comments taken out."""
        if not self._plain:
            # A dict of thousands of changes takes memory just where most is in use.
            values = _InOrder(self.changes) if not self._of_aliases else self.values
            parts = tuple(_with_values(part, values) for part in self.document.parts)
            self._plain.append(parts)  # type: ignore[arg-type]
        return self._plain[0]

    @property
    def values(self) -> dict[int, Change]:
        """All changes, also of values that are reached through aliases, by the identity of their targets."""
        return {id(change.target): change for change in (*self.changes, *self._of_aliases)}

    @property
    def ciphertexts(self) -> Iterator[tuple[_Key, Leaf | Comment]]:
        """All that can be used again where nothing changed, the last one first."""
        for change in reversed((*self.changes, *self._of_aliases)):
            target, value = change.target, change.value
            if isinstance(target, Comment):
                yield (target.path, "comment", str(value).encode()), target
            elif not change.becomes_comment:
                kind = "str" if self._single_value else type(value).__name__
                yield (target.path, kind, canonical_bytes(value)), target


_LINES_SHOWN = 5  # of comments that are odd in the same way


def is_empty(value: Value) -> bool:
    """Null and empty values are never encrypted, in any position."""
    return value is None or value in ("", b"")


def selected(
    document: Document, selector: Selector, *, single_value: bool = False
) -> list[tuple[Leaf | Comment, bool]]:
    """Return every value and comment in document order, and whether the selector encrypts it."""
    return list(each_selected(document, selector, single_value=single_value))


def each_selected(
    document: Document, selector: Selector, *, single_value: bool = False
) -> Iterator[tuple[Leaf | Comment, bool]]:
    """The same one by one: a large file has many."""
    if single_value:
        yield from ((leaf, True) for leaf in document.leaves)
    elif selector.uses_comments:
        yield from _selected_by_comments(document, selector)
    else:
        for part in document.parts:
            yield from _select(part, selector, matched=False)


def _selected_by_comments(document: Document, selector: Selector) -> Iterator[tuple[Leaf | Comment, bool]]:
    def join(comments: tuple[str, ...], text: str) -> tuple[str, ...]:
        # One match decides, so that no more than one comment of a level has to be remembered.
        if comments:
            return comments
        return (text,) if selector.matches(text) else ()

    for stack, item in walk(document, join):
        yield item, selector.encrypts(item.path, stack, comment=isinstance(item, Comment))


def _select(
    node: Mapping | Sequence, selector: Selector, *, matched: bool
) -> Iterator[tuple[Leaf | Comment, bool]]:
    """What is below a map or list, of which a key of the path did or did not match.

    The same as `selector.encrypts` says for each path, with each key of the tree compared once.
    """
    matching = selector.encrypts_matches
    if isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Leaf | Comment):
                yield item, matched == matching
            else:
                yield from _select(item, selector, matched=matched)
        return
    for entry in node.entries:
        if isinstance(entry, Comment):
            yield entry, matched == matching
            continue
        value, matches = entry.value, matched or selector.matches(entry.key)
        if isinstance(value, Leaf):
            yield value, matches == matching
        else:
            yield from _select(value, selector, matched=matches)


def encrypt_document(
    document: Document,
    selector: Selector,
    data_key: DataKey,
    *,
    mac_only_encrypted: bool = False,
    single_value: bool = False,
    previous: Opened | None = None,
) -> Encrypted:
    """Encrypt the selected values of a plain document.

    Args:
        document: plain, that is without a `sops` block.
        selector: which values.
        data_key: the file's key; that of `previous` where one is given.
        mac_only_encrypted: the MAC covers encrypted values only.
        single_value: the format knows one value alone, which is encrypted whatever the selector says.
        previous: the same file as it was encrypted before: unchanged values keep their ciphertext.

    Raises:
        AlreadyEncryptedError: the document has a `sops` block, or a value in it is a ciphertext.
        UnprotectedError: there are values, and the selector selects none of them.
    """
    if document.metadata is not None:
        raise AlreadyEncryptedError("the file is already encrypted")
    cipher = Cipher(data_key)
    mac = MacHash(only_encrypted=mac_only_encrypted)
    unused = _Unused(previous) if previous is not None else None
    changes: list[Change] = []
    plain: list[Leaf | Comment] = []
    odd = _OddComments()
    values = candidates = reused = 0
    for item, encrypts in each_selected(document, selector, single_value=single_value):
        value: Value
        if isinstance(item, Comment):
            value = item.text
            if is_ciphertext(value):
                # It did not open where it stands. Encrypted once more it could never be read again.
                odd.add(item, encrypts=encrypts)
                continue
        else:
            value = item.value
            _refuse_ciphertext(item)
            values += 1
            if encrypts or not mac_only_encrypted:
                mac.add(value)
            candidates += encrypts
        if not encrypts:
            plain.append(item)
            continue
        if is_empty(value):
            continue
        kind = _kind(item, single_value=single_value)
        kept = unused.take(item.path, kind, value) if unused is not None else None
        reused += kept is not None
        ciphertext = (
            cipher.encrypt(value, additional_data(item.path), kind) if kept is None else kept.ciphertext
        )
        if isinstance(item, Comment):
            _refuse_ambiguous_comment(item, ciphertext, selector)
        changes.append(Change(item, ciphertext, encrypted=True, kept=kept))
    if values and not candidates:
        raise UnprotectedError(
            f"the selector would encrypt nothing in this file: {why_nothing(selector)}",
            hint="fix the selector in the creation rule; see `fluxsecrets explain FILE`",
        )
    warnings = list(odd.warnings()) if values else [*odd.warnings(), "the file holds no values"]
    return Encrypted(tuple(changes), mac.digest(), reused, tuple(plain), tuple(warnings))


def why_nothing(selector: Selector) -> str:
    """Return why a selector selects no value of a file, as the end of a message."""
    spec = selector.spec
    leaves_plain = spec.kind.value.startswith("un")
    if selector.uses_comments:
        matched = (
            "matches a comment above every value" if leaves_plain else "matches no comment above a value"
        )
    else:
        matched = "matches a key above every value" if leaves_plain else "matches none of its keys"
    return f"{spec.kind.value} {spec.pattern!a} {matched}"


def _kind(item: Leaf | Comment, *, single_value: bool) -> str | None:
    if isinstance(item, Comment):
        return "comment"
    return "str" if single_value else None


class _Unused:
    """The ciphertexts of the previous version that no value has taken over yet."""

    __slots__ = ("_found", "_source")

    def __init__(self, previous: Opened) -> None:
        # Comments of one map may be equal, and so may values of a key that dotenv repeats.
        self._found: dict[_Key, list[Leaf | Comment]] = {}
        for key, item in previous.ciphertexts:
            self._found.setdefault(key, []).append(item)
        self._source = previous.document.source

    def take(self, path: Path, kind: str | None, value: Value) -> Kept | None:
        found = self._found.get((path, kind or type(value).__name__, canonical_bytes(value)))
        return Kept(self._source, found.pop()) if found else None


class _OddComments:
    """Comments that look encrypted and are not opened."""

    def __init__(self) -> None:
        self._inside: list[int] = []
        self._outside: list[int] = []

    def add(self, comment: Comment, *, encrypts: bool) -> None:
        """Remember one."""
        (self._inside if encrypts else self._outside).append(comment.line)

    def warnings(self) -> Iterator[str]:
        """What to say about them, whatever their number."""
        for lines, where in (
            (self._outside, "outside of what is encrypted"),
            (self._inside, "bound to another place or key"),
        ):
            if len(lines) == 1:
                yield f"the comment on line {lines[0]} is a ciphertext {where}: it is left as it is"
            elif lines:
                shown = ", ".join(map(str, lines[:_LINES_SHOWN]))
                more = f" and {len(lines) - _LINES_SHOWN} more" if len(lines) > _LINES_SHOWN else ""
                yield (
                    f"the comments on lines {shown}{more} are ciphertexts {where}: they are left as they are"
                )


def _refuse_ciphertext(leaf: Leaf) -> None:
    if is_ciphertext(leaf.value):
        what = f"the value of {show_path(leaf.path)}"
        raise AlreadyEncryptedError(
            f"{what} is a SOPS ciphertext, but the file has no sops block for it",
            line=leaf.line,
            hint="restore the whole file from git, with its sops block, and decrypt that",
        )


def _refuse_ambiguous_comment(comment: Comment, ciphertext: str, selector: Selector) -> None:
    # sops: sops.go, `Encrypt`: such a comment could not be told from a plain one when decrypting.
    if selector.spec.kind is SelectorKind.UNENCRYPTED_COMMENT_REGEX and selector.matches(ciphertext):
        raise UnprotectedError(
            "unencrypted_comment_regex matches encrypted comments as well",
            line=comment.line,
            hint="anchor the regex, such as ^ *public",
        )


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
    metadata = document.metadata
    if metadata is None:
        raise not_encrypted(document)
    found = each_selected(document, selector, single_value=single_value)
    opener = _Opener(Cipher(data_key), metadata)
    for item, encrypts in found:
        change = opener.take(item, encrypts=encrypts, single_value=single_value)
        if isinstance(item, Comment):
            if encrypts and item.text and not is_ciphertext(item.text):
                raise IntegrityError("a comment should be encrypted and is plain text", line=item.line)
            yield None, item.text if change is None else change.value, item.text
        elif change is not None and change.becomes_comment:
            yield None, change.value, ""
        else:
            yield item.path, item.value if change is None else change.value, ""
    check_mac(opener.mac.digest(), metadata.mac, metadata.lastmodified, opener.cipher)


def _decrypt(
    document: Document,
    selector: Selector,
    data_key: DataKey,
    *,
    single_value: bool,
    verify_mac: bool = True,
) -> _Opener:
    """Decrypt all values, and check the MAC."""
    metadata = document.metadata
    if metadata is None:
        raise not_encrypted(document)
    found = each_selected(document, selector, single_value=single_value)
    opener = _Opener(Cipher(data_key), metadata)
    for item, encrypts in found:
        change = opener.take(item, encrypts=encrypts, single_value=single_value)
        if change is not None:
            opener.changes.append(change)
    if verify_mac:
        check_mac(opener.mac.digest(), metadata.mac, metadata.lastmodified, opener.cipher)
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

    def __init__(self, cipher: Cipher, metadata: Metadata) -> None:
        self.cipher = cipher
        self.mac = MacHash(only_encrypted=metadata.mac_only_encrypted)
        self.changes: list[Change] = []
        self.warnings: list[str] = []
        self.odd = _OddComments()
        self._only_encrypted = metadata.mac_only_encrypted

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


class _InOrder:
    """The changes of a document, found as in `Opened.values` by who walks it once in its order."""

    def __init__(self, changes: Items[Change]) -> None:
        self._changes = iter(changes)
        self._next = next(self._changes, None)

    def get(self, target: int) -> Change | None:
        change = self._next
        if change is None or id(change.target) != target:
            return None
        self._next = next(self._changes, None)
        return change


_Changes = MappingABC[int, Change] | _InOrder


def _with_values(node: Node, changes: _Changes) -> Node:
    if isinstance(node, Leaf):
        change = changes.get(id(node))
        return node if change is None else node._replace(value=change.value)
    if isinstance(node, Mapping):
        entries: list[Entry | Comment] = []
        for item in node.entries:
            if isinstance(item, Comment):
                entries.append(_comment_with_text(item, changes))
                continue
            value = _with_values(item.value, changes)
            same = value is item.value
            entries.append(
                item if same else Entry(item.key, value, item.start, item.end, item.line, item.merge)
            )
        return Mapping(tuple(entries), node.start, node.end, node.flow)
    return Sequence(tuple(_plain_items(node.items, changes)), node.start, node.end, node.flow)


def _plain_items(items: Items[Node | Comment], changes: _Changes) -> list[Node | Comment]:
    plain: list[Node | Comment] = []
    for item in items:
        if isinstance(item, Comment):
            plain.append(_comment_with_text(item, changes))
        elif not isinstance(item, Leaf):
            plain.append(_with_values(item, changes))
        elif (change := changes.get(id(item))) is None:
            plain.append(item)
        elif change.becomes_comment:
            plain.append(Comment(item.path[:-1], str(change.value), item.start, item.end, item.line))
        else:
            plain.append(item._replace(value=change.value))
    return plain


def _comment_with_text(comment: Comment, changes: _Changes) -> Comment:
    change = changes.get(id(comment))
    return comment if change is None else comment._replace(text=str(change.value))
