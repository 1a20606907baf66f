"""Parse and decrypt one file's content: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.errors import (
    FluxsecretsError,
    FormatError,
    IntegrityError,
    LimitError,
    MetadataError,
    NotEncryptedError,
)
from fluxsecrets.marks import SIGN_BYTES, is_ciphertext, is_encrypted_comment
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.ops.run.record import note_key
from fluxsecrets.sops.decryption import not_encrypted, open_document
from fluxsecrets.sops.document import Document, Leaf, Mapping, show_path
from fluxsecrets.sops.envelope import Providers, open_data_key
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.metadata import Metadata, is_newer
from fluxsecrets.sops.opened import Opened
from fluxsecrets.sops.selection import is_empty, selected
from fluxsecrets.sops.selectors import Selector, compile_selector


class OpenedFile(NamedTuple):
    """A decrypted file with a checked MAC."""

    format: Format
    opened: Opened

    @property
    def metadata(self) -> Metadata:
        """The file's `sops` block."""
        metadata = self.opened.document.metadata
        if metadata is None:
            raise NotEncryptedError("the file is not encrypted")
        return metadata

    @property
    def values(self) -> int:
        """The number of encrypted values, without comments."""
        return sum(
            isinstance(change.target, Leaf) and not change.becomes_comment for change in self.opened.changes
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the file."""
        version = self.metadata.version
        if not is_newer(version):
            return self.opened.warnings
        newer = f"it was written by a newer sops, {version[:20]!a}: what is new in that may be missed here"
        return newer, *self.opened.warnings

    @property
    def parts(self) -> tuple[Mapping, ...]:
        """Its documents with their values in place."""
        return self.opened.plain

    def text(self) -> bytes:
        """Return the decrypted file, in its own format and layout.

        Raises:
            FormatError: the text did not pass its check; the error contains no value.
        """
        return self.format.plain_text(self.opened.document, self.opened.changes, self.opened.values)


def parse(format_: Format, data: bytes, limits: Limits) -> Document:
    """Parse a file. Errors have a hint if it is empty, or clearly of another format.

    Raises:
        FormatError, MetadataError, LimitError: see `Format.parse`.
    """
    if format_.single_value and SIGN_BYTES in data and data.lstrip().startswith((b"{", b"<")):
        _refuse_conflict(data)  # else it would be a value of its own
    try:
        return format_.parse(data, limits)
    except FluxsecretsError as error:
        if isinstance(error, FormatError):
            _refuse_conflict(data)
        if isinstance(error, FormatError) and _is_template(data, error.line):
            error.hint = "it looks like a template: encrypt the rendered file, or the values for it"
        elif error.hint is None and isinstance(error, FormatError | LimitError):
            error.hint = "fix it, or take the file as one value with --input-type binary"
        elif error.hint is None and isinstance(error, MetadataError):
            error.hint = "restore the file from git, or ask the person who encrypted it"
        raise


def _refuse_conflict(data: bytes) -> None:
    """Refuse a file with conflict markers.

    Raises:
        FormatError: it has some.
    """
    from fluxsecrets.sops.conflict import conflict_error  # only when something fails

    conflict = conflict_error(data.decode("utf-8", "replace"))
    if conflict is not None:
        raise conflict from None


def _is_template(data: bytes, line: int | None) -> bool:
    """Return whether a line has placeholders of Helm or a similar tool, and so is not YAML yet."""
    return line is not None and b"{{" in b"".join(data.splitlines()[line - 1 : line])


def check_encrypted(document: Document, *, single_value: bool = False) -> int:
    """Return the number of encrypted values in an encrypted file, without a key.

    Raises:
        IntegrityError: the MAC is missing or not a ciphertext, or a value that its selector encrypts is plain
            text.
        MetadataError: the file's own selector is invalid.
    """
    metadata = document.metadata
    if metadata is None:
        raise NotEncryptedError("the file is not encrypted")
    if not metadata.mac:
        raise _no_mac()
    if not is_ciphertext(metadata.mac):
        raise IntegrityError(
            "the MAC in the sops block is damaged, so nobody can tell whether the file was changed",
            hint="restore the file from git, or ask the person who encrypted it",
        )
    count = 0
    for item, encrypts in selected(document, own_selector(metadata), single_value=single_value):
        if not encrypts or not isinstance(item, Leaf) or is_empty(item.value):
            continue
        if is_encrypted_comment(item.value):
            continue
        if not is_ciphertext(item.value):
            raise IntegrityError(
                f"the file is encrypted, but the value of {show_path(item.path)} in it is plain text",
                line=item.line,
                hint="if it was committed, treat the value as leaked; "
                "put the encrypted version back from git, "
                "then `fluxsecrets decrypt -i FILE`, add the value, `fluxsecrets encrypt FILE`",
            )
        count += 1
    return count


def refuse_leftovers(document: Document) -> None:
    """Refuse a document that looks plain but has ciphertexts: its `sops` block or MAC was removed.

    Raises:
        IntegrityError: its `sops` block has no MAC.
        NotEncryptedError: a value is a ciphertext, but there is no `sops` block.
    """
    if document.metadata is not None:
        raise _no_mac()
    if any(is_ciphertext(leaf.value) for leaf in document.leaves):
        raise not_encrypted(document)


def _no_mac() -> IntegrityError:
    return IntegrityError(
        "the sops block has no MAC, so nobody can tell whether the file was changed",
        hint="restore the file from git, or ask the person who encrypted it",
    )


def own_selector(metadata: Metadata) -> Selector:
    """Return the selector in an encrypted file.

    Raises:
        MetadataError: it is invalid, so it is unknown what should be encrypted.
    """
    try:
        return compile_selector(metadata.selector)
    except FluxsecretsError as error:
        raise MetadataError(f"the sops block has an invalid selector: {error.message}") from None


def open_file(
    format_: Format,
    data: bytes,
    providers: Providers,
    limits: Limits,
    *,
    check_mac: bool = True,
    order: Sequence[str] | None = None,
) -> OpenedFile:
    """Decrypt a file's content and check its MAC.

    Args:
        format_: its format.
        data: the encrypted content.
        providers: that open the data key.
        limits: limits of the input.
        check_mac: False only for the drop-in's `--ignore-mac`.
        order: kinds of keys to try first; defaults to the providers' order.

    Raises:
        NotEncryptedError: the file has no `sops` block.
        DataKeyError: none of the available identities can open it.
        IntegrityError: it was changed after it was encrypted.
        FormatError, MetadataError, LimitError: it can't be parsed.
    """
    document = parse(format_, data, limits)
    del data  # as when it is encrypted: a file may have many megabytes
    return open_parsed(format_, document, providers, check_mac=check_mac, order=order)


def _refuse_other_format(document: Document) -> None:
    """Refuse a file that was read as one value, and is encrypted in a format that its name does not say.

    Raises:
        NotEncryptedError: it is one, such as YAML from standard input.
    """
    from fluxsecrets.repo.encrypted import detect_encryption  # only when something fails

    for leaf in document.leaves:
        data = leaf.value if isinstance(leaf.value, bytes) else b""
        found = detect_encryption(data, "")
        if found is not None and found != "binary":
            raise NotEncryptedError(
                f"it is encrypted as {found}, and no file name says so", hint=f"add --input-type {found}"
            )


def open_parsed(
    format_: Format,
    document: Document,
    providers: Providers,
    *,
    check_mac: bool = True,
    order: Sequence[str] | None = None,
) -> OpenedFile:
    """Decrypt a parsed file; see `open_file`."""
    if document.metadata is None:
        refuse_leftovers(document)
        if format_.single_value:
            _refuse_other_format(document)
        raise NotEncryptedError(
            "the file is not encrypted: it has no sops metadata",
            hint="encrypt it with `fluxsecrets encrypt FILE`",
        )
    selector = own_selector(document.metadata)
    data_key = open_data_key(document.metadata, providers, order, opened=note_key)
    opened = open_document(
        document, selector, data_key, single_value=format_.single_value, verify_mac=check_mac
    )
    return OpenedFile(format_, opened)
