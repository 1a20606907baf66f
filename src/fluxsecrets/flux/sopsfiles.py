"""Decrypting a whole file as kustomize-controller does it: read in one format, written in another.

Follows `SopsDecryptWithFormat` of internal/decryptor/decryptor.go, and the stores of sops 3.13.2. A value
that no identity at hand decrypts becomes a text that `is_unknown` knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from fluxsecrets.errors import FluxsecretsError, FormatError, IntegrityError, LimitError
from fluxsecrets.marks import FLUX_MARKERS, is_ciphertext
from fluxsecrets.repo.unknown import unknown
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.decryption import open_document
from fluxsecrets.sops.document import Change, Data, Document, Leaf
from fluxsecrets.sops.formats import Format, Limits, make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.selection import is_empty, selected
from fluxsecrets.sops.selectors import Selector, compile_selector

from .model import Cluster
from .opening import NOT_DECRYPTED, PANIC, why_not_ciphertext
from .reading import Access, access, without_key
from .stores import emit, refuses

SHOWN: Final = {"binary": "binary", "dotenv": "dotenv", "ini": "INI", "json": "JSON", "yaml": "YAML"}
"""The names of formats in the controller's messages."""


class Emitted(NamedTuple):
    """What becomes of a file.

    Attributes:
        data: what the controller writes; with unknown values if the cluster's keys don't open it. None where
            it stops for another reason, or where that cannot be told. Not in the repr.
        fails: why it stops, in its own words, or None.
        doubt: why it cannot be told what it does, or None.
        access: whether the cluster's keys open it.
        dropped: YAML documents that are not written, since the other format holds one.
    """

    data: bytes | None = None
    fails: str | None = None
    doubt: str | None = None
    access: Access = Access.OPEN
    dropped: int = 0

    def __repr__(self) -> str:
        """Without the data."""
        return f"Emitted(fails={self.fails!r}, doubt={self.doubt!r}, access={self.access!r})"


def found_format(data: bytes) -> str | None:
    """The format by whose marker a value of a Secret is taken for encrypted; see `ambiguous`."""
    return next((name for name in _LOOKED_FOR if FLUX_MARKERS[name] in data), None)


_LOOKED_FOR = ("yaml", "json", "dotenv", "ini")  # binary has the marker of JSON, and is read like it


def ambiguous(data: bytes) -> bool:
    """Whether markers of several formats are in a value: which one counts is random in the controller."""
    return sum(FLUX_MARKERS[name] in data for name in _LOOKED_FOR) > 1


def decrypt_file(data: bytes, read_as: str, write_as: str, cluster: Cluster) -> Emitted:
    """Decrypt a file that has the marker of a format.

    Args:
        data: the file.
        read_as: the format that it is taken for.
        write_as: the format in which it is written.
        cluster: whose keys open it.
    """
    format_ = make_format("json" if read_as == "binary" else read_as)
    state = Access.OPEN
    try:
        document, selector, metadata = _loaded(format_, data, read_as)
        state, key = access(metadata, cluster)
        if state is Access.CLOSED:
            without = _decrypted(format_, document, selector, None)
            emitted = _emitted(format_, without, read_as, write_as)
            return Emitted(emitted.data, fails=without_key(metadata), access=state)
        if _holds_bytes(document, selector):
            return Emitted(fails=f"{_not_emitted_as(read_as, write_as)}{PANIC}", access=state)
        if key is None and write_as == "binary" and _is_number(document):
            return Emitted(fails=_not_emitted_as(read_as, write_as) + _NO_TEXT, access=state)
        text = _decrypted(format_, document, selector, key)
    except IntegrityError as error:
        return Emitted(fails=error.message, access=state)
    except FluxsecretsError as error:
        return Emitted(doubt=error.message, access=state)
    return _emitted(format_, text, read_as, write_as)._replace(access=state)


def _loaded(format_: Format, data: bytes, read_as: str) -> tuple[Document, Selector, Metadata]:
    """Read a file.

    Raises:
        IntegrityError: sops refuses it, in its words.
        FluxsecretsError: it cannot be read here, and sops may.
    """
    prefix = f"failed to load encrypted {SHOWN[read_as]} data: "
    try:
        document = format_.parse(data, Limits(size=len(data)))
        metadata = document.metadata
        selector = compile_selector(metadata.selector) if metadata is not None else None
    except LimitError:
        raise
    except FormatError:
        if read_as == "ini":  # sops's reader takes more than ours
            raise
        raise IntegrityError(f"{prefix}Could not unmarshal input data") from None
    except FluxsecretsError as error:
        raise IntegrityError(f"{prefix}{error.message}") from None
    if metadata is None or selector is None:
        raise IntegrityError(f"{prefix}sops metadata not found")
    return document, selector, metadata


def _decrypted(format_: Format, document: Document, selector: Selector, key: DataKey | None) -> bytes:
    """The text with the values in place.

    Raises:
        IntegrityError: a value stops the decryption, in sops's words.
        FluxsecretsError: the text cannot be made.
    """
    items = selected(document, selector)
    for item, encrypts in items:
        if encrypts and isinstance(item, Leaf) and not is_empty(item.value):
            reason = why_not_ciphertext(item.value)
            if reason is not None:
                raise IntegrityError(f"error decrypting sops tree: Error walking tree: {reason}")
    if key is not None:
        try:
            opened = open_document(document, selector, key, verify_mac=False)
        except IntegrityError:
            reason = f"{NOT_DECRYPTED}Could not decrypt with AES_GCM: cipher: message authentication failed"
            raise IntegrityError(f"error decrypting sops tree: Error walking tree: {reason}") from None
        return format_.plain_text(document, opened.changes, opened.values)
    changes = [
        Change(item, unknown(str(item.value).rpartition("type:")[2].rstrip("]")), encrypted=False)
        for item, encrypts in items
        if encrypts and isinstance(item, Leaf) and not is_empty(item.value) and not item.alias
    ]
    return format_.rewrite(document, changes, None)


def _holds_bytes(document: Document, selector: Selector) -> bool:
    return any(
        encrypts and isinstance(item, Leaf) and str(item.value).endswith("type:bytes]")
        for item, encrypts in selected(document, selector)
    )


_BINARY = "error emitting binary store: "
_NO_TEXT = f"{_BINARY}'data' key in tree does not have a string value"


def _is_number(document: Document) -> bool:
    """Whether the only value of a binary file is not a text, by the type of its ciphertext."""
    return any(
        leaf.path == ("data",) and is_ciphertext(leaf.value) and not str(leaf.value).endswith("type:str]")
        for leaf in document.leaves
    )


def _not_emitted_as(read_as: str, write_as: str) -> str:
    return f"failed to emit encrypted {SHOWN[read_as]} file as decrypted {SHOWN[write_as]}: "


def _emitted(format_: Format, text: bytes, read_as: str, write_as: str) -> Emitted:
    signs = {"dotenv": b"=", "ini": b"#;", "yaml": b"#"}.get(write_as, b"")
    if read_as == write_as and any(sign in text for sign in signs):
        return Emitted(text)  # it may have comments, which stay
    try:
        parts = format_.read(text)
    except FluxsecretsError as error:
        return Emitted(doubt=error.message)
    if read_as == "ini" and write_as != "ini":  # sops's reader always has this section, as the first one
        parts = [{"DEFAULT": {}, **part} if isinstance(part, dict) else part for part in parts]
    failed = _not_emitted_as(read_as, write_as)
    if write_as == "binary":
        return _as_binary(parts, failed)
    reason = refuses(parts, write_as)
    if reason is not None:
        return Emitted(fails=failed + reason)
    kept = parts if write_as in ("yaml", "ini") else parts[:1]
    try:
        data = emit(kept, write_as)
    except FluxsecretsError as error:
        return Emitted(doubt=error.message)
    return Emitted(data, dropped=len(parts) - len(kept))


def _as_binary(parts: Sequence[Data], failed: str) -> Emitted:
    """stores/json/store.go, `BinaryStore.EmitPlainFile`."""
    if len(parts) != 1:
        return Emitted(fails=f"{failed}{_BINARY}there must be exactly one tree branch")
    root = parts[0]
    if not isinstance(root, dict) or "data" not in root:
        return Emitted(fails=f"{failed}{_BINARY}no binary data found in tree")
    value = root["data"]
    return Emitted(value.encode()) if isinstance(value, str) else Emitted(fails=failed + _NO_TEXT)
