"""Whether an encrypted text holds what it was made of, where its format could read it beside that."""

from __future__ import annotations

from fluxsecrets.errors import IntegrityError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.namedtuples import NamedTuple

from .cipher import Cipher, additional_data
from .document import Comment, Document, Path
from .mac import MacHash, check_mac
from .metadata import Metadata
from .selection import each_selected, is_empty
from .selectors import Selector
from .values import Value, canonical_bytes, type_name, value_from_bytes


class Beside(NamedTuple):
    """What stands in a text that has the maps, keys and lists of a document, in the same order.

    Attributes:
        metadata: of its `sops` block, the same one in each part.
        values: for each leaf of the document.
        comments: each with the path of its map or list, in the order of the text.
    """

    metadata: Metadata
    values: list[Value]
    comments: list[tuple[Path, str]]


def holds_the_same(plain: Document, beside: Beside, selector: Selector, cipher: Cipher) -> bool:
    """Whether every value and comment opens as what it is in the plain document, and the MAC is right.

    Args:
        plain: the document.
        beside: the encrypted text beside it.
        selector: that of the text's metadata.
        cipher: with the file's data key.

    Returns:
        False may be wrong: whatever is unusual only `decryption.read_back` can tell.
    """
    if selector.uses_comments:
        return False
    metadata = beside.metadata
    all_count = not metadata.mac_only_encrypted
    counted: list[bytes] = []
    comments: dict[Path, list[tuple[str, bool]]] = {}
    values = iter(beside.values)
    try:
        for item, encrypts in each_selected(plain, selector):
            if type(item) is Comment:
                comments.setdefault(item.path, []).append((item.text, encrypts))
                continue
            value, read = item.value, next(values)  # type: ignore[union-attr]
            data = value.encode() if type(value) is str else canonical_bytes(value)
            if not encrypts or is_empty(read):
                if type(read) is not type(value) or read != value:
                    return False
                if all_count:  # of what is empty nothing counts
                    counted.append(data)
                continue
            opened, kind = cipher.decrypt_bytes(str(read), additional_data(item.path))
            if opened != data or value is None or kind != type_name(value):
                return False
            if kind != "str":
                value_from_bytes(kind, data)  # it may still be none
            counted.append(data)
        if not _hold_the_same(comments, beside.comments, cipher):
            return False
        mac = MacHash(only_encrypted=not all_count)
        mac.add_bytes(b"".join(counted))
        check_mac(mac.digest(), metadata.mac, metadata.lastmodified, cipher)
    except IntegrityError:
        return False
    return True


def _hold_the_same(
    plain: dict[Path, list[tuple[str, bool]]], read: list[tuple[Path, str]], cipher: Cipher
) -> bool:
    """Whether the comments of each map or list are those of the plain one, in their order."""
    left = {path: iter(texts) for path, texts in plain.items()}
    for path, text in read:
        expected, encrypts = next(left.get(path, iter(())), (None, False))
        if is_ciphertext(text):
            data, kind = cipher.decrypt_bytes(text.strip(), additional_data(path))
            if not encrypts or kind != "comment" or expected is None or data != expected.encode():
                return False
        elif text != expected or (encrypts and text):
            return False
    return len(read) == sum(map(len, plain.values()))
