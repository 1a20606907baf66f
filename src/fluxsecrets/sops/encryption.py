"""Encrypting whole documents: selector, cipher and MAC put together.

Pure: a parsed document goes in, a list of changes comes out. Follows `Tree.Encrypt` of sops.go.
"""

from __future__ import annotations

from fluxsecrets.errors import AlreadyEncryptedError, UnprotectedError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.namedtuples import NamedTuple

from .cipher import Cipher, DataKey, additional_data
from .document import Change, Comment, Document, Kept, Leaf, Path, show_path
from .mac import MacHash
from .oddcomments import OddComments
from .opened import CiphertextKey, Opened
from .selection import each_selected, is_empty, why_nothing
from .selectors import Selector, SelectorKind
from .values import Value, canonical_bytes


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
    odd = OddComments()
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


def _kind(item: Leaf | Comment, *, single_value: bool) -> str | None:
    if isinstance(item, Comment):
        return "comment"
    return "str" if single_value else None


class _Unused:
    """The ciphertexts of the previous version that no value has taken over yet."""

    __slots__ = ("_found", "_source")

    def __init__(self, previous: Opened) -> None:
        # Comments of one map may be equal, and so may values of a key that dotenv repeats.
        self._found: dict[CiphertextKey, list[Leaf | Comment]] = {}
        for key, item in previous.ciphertexts:
            self._found.setdefault(key, []).append(item)
        self._source = previous.document.source

    def take(self, path: Path, kind: str | None, value: Value) -> Kept | None:
        found = self._found.get((path, kind or type(value).__name__, canonical_bytes(value)))
        return Kept(self._source, found.pop()) if found else None


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
