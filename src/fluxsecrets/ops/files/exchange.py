"""One value of an encrypted file put in another's place by its ciphertext alone.

The usual way makes the plain text, changes that, and encrypts it, with trees of both. That takes twice the
memory, although nothing but one ciphertext and the `sops` block changes in the text. What is unusual goes
that way all the same, and so does what is to be refused or warned of: it says where in the plain text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import SIGN, is_ciphertext
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.ops.policy.policy import selector_for
from fluxsecrets.records import replace
from fluxsecrets.sops.cipher import Cipher, additional_data
from fluxsecrets.sops.document import (
    Change,
    Comment,
    Data,
    Document,
    Entry,
    Leaf,
    Mapping,
    Node,
    Path,
    Sequence,
    find,
)
from fluxsecrets.sops.formats import Format, Limits, make_format
from fluxsecrets.sops.mac import MacHash, seal_mac
from fluxsecrets.sops.selection import each_selected
from fluxsecrets.sops.selectors import Selector
from fluxsecrets.sops.values import Value

from .encryption import refuse_too_large, repeated, same_protection, size_warnings
from .keypaths import Place
from .reencrypt import OpenTarget
from .verification import Expected, verify


class Exchange(NamedTuple):
    """A change that is ready to be written. The opened file is not needed for it.

    Attributes:
        format: of the file.
        document: the file as it was.
        change: the other ciphertext.
        expected: what the file holds with it.
        kubernetes: Flux reads the file.
    """

    format: Format
    document: Document
    change: Change
    expected: Expected
    kubernetes: bool

    def written(self, limits: Limits) -> Written:
        """The new content. The exchange is not needed for what follows.

        Raises:
            LimitError: it is too large.
        """
        new = self.format.rewrite(self.document, (self.change,), self.expected.metadata)
        refuse_too_large(new, limits)
        warnings = size_warnings(new, kubernetes=self.kubernetes)
        return Written(self.format, new, self.expected, tuple(warnings))


class Written(NamedTuple):
    """A content that nobody has verified yet.

    Attributes:
        data: encrypted.
        expected: what it has to hold.
        warnings: about it.
    """

    format: Format
    data: bytes
    expected: Expected
    warnings: tuple[str, ...]

    def verified(self, limits: Limits) -> bytes:
        """The content, after it was decrypted again and compared; see `verification.verify`.

        Raises:
            UnprotectedError: it does not hold what it should.
        """
        verify(self.format, self.expected, self.data, limits)
        return self.data


def exchangeable(opened: OpenTarget, place: Place, value: Data) -> Leaf | None:
    """Return the encrypted value at a place, if the ciphertext of another value can stand there.

    Args:
        opened: the file.
        place: the value's place in `opened.plain`.
        value: the other value; it may be the same.
    """
    old, document = place.node, opened.file.opened.document
    if not isinstance(old, Leaf) or not _is_text(old.value) or not _is_text(value) or SIGN in str(value):
        return None
    if any(isinstance(step, int) and step < 0 for step in place.path):
        return None
    leaf = find(document.parts[place.part], place.path)
    if not isinstance(leaf, Leaf) or not is_ciphertext(leaf.value) or opened.file.opened.warnings:
        return None
    changes, format_ = opened.file.opened.changes, opened.file.format
    # Places differ where sops made an item of a comment; and a key of dotenv may stand there twice.
    targets = [change.target for change in changes if change.target.path == leaf.path]
    if len(targets) != 1 or targets[0] is not leaf or any(change.becomes_comment for change in changes):
        return None
    alike = format_.spells_alike(leaf, str(old.value), str(value)) and not format_.may_have_aliases(document)
    return leaf if alike else None


def exchange_of(
    opened: OpenTarget,
    place: Place,
    leaf: Leaf,
    value: str,
    *,
    now: str,
    check: Callable[[Document], None] | None,
) -> Exchange | None:
    """Encrypt a value for the place of another one, with the file's data key.

    Args:
        opened: the file, whose data key nobody else knows.
        place: of the value.
        leaf: what `exchangeable` returned.
        value: the other value, not the same.
        now: see `encryption.encrypt_content`.
        check: likewise.

    Returns:
        None if only the usual way is possible.
    """
    previous, metadata, old = opened.file.opened, opened.file.metadata, place.node
    assert isinstance(old, Leaf)  # noqa: S101 - of `exchangeable`
    parts = (_with(part, place.path, old, old._replace(value=value)) for part in opened.file.parts)
    plain = Document(previous.document.format, "", tuple(parts), None)  # type: ignore[arg-type]
    try:
        selector = selector_for(plain, opened.policy, kubernetes=opened.kubernetes)
        if check is not None:
            check(plain)
    except FluxsecretsError:
        return None
    if selector.uses_comments or not same_protection(opened.file, opened.policy, selector):
        return None
    digest = _digest(plain, selector, only_encrypted=metadata.mac_only_encrypted)
    if digest is None:
        return None
    cipher = Cipher(previous.data_key)
    ciphertext = cipher.encrypt(value, additional_data(leaf.path))
    return Exchange(
        make_format(opened.target.format, opened.policy.stores),
        previous.document,
        Change(leaf, ciphertext, encrypted=True),
        Expected(
            plain,
            previous.data_key,
            replace(metadata, lastmodified=now, mac=seal_mac(digest, now, cipher)),
        ),
        opened.kubernetes,
    )


def _is_text(value: object) -> bool:
    return type(value) is str and value != ""


def _digest(plain: Document, selector: Selector, *, only_encrypted: bool) -> str | None:
    """The digest for the MAC, or None if something in the document is to be refused or warned of."""
    mac = MacHash(only_encrypted=only_encrypted)
    comments = []
    for item, encrypts in each_selected(plain, selector):
        if isinstance(item, Comment):
            if is_ciphertext(item.text):
                return None
            if not encrypts:
                comments.append(item)
            continue
        if is_ciphertext(item.value):
            return None
        if encrypts or not only_encrypted:
            mac.add(item.value)
    if comments and repeated(_encrypted(plain, selector), comments):
        return None
    return mac.digest()


def _encrypted(plain: Document, selector: Selector) -> Iterator[tuple[Path, Value]]:
    for item, encrypts in each_selected(plain, selector):
        if encrypts and isinstance(item, Leaf):
            yield item.path, item.value


def _with(node: Node, path: Path, old: Leaf, new: Leaf) -> Node:
    """The node with another leaf in the place of one."""
    if node is old:
        return new
    if isinstance(node, Mapping):
        entries = (
            item._replace(value=_with(item.value, path[1:], old, new))
            if isinstance(item, Entry) and path[:1] == (item.key,)
            else item
            for item in node.entries
        )
        return node._replace(entries=tuple(entries))
    if isinstance(node, Sequence):
        items = (
            item if isinstance(item, Comment) else _with(item, path[1:], old, new) for item in node.items
        )
        return node._replace(items=tuple(items))
    return node
