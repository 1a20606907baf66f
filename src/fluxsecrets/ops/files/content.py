"""Encrypt and decrypt one file's content: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fluxsecrets.errors import (
    AlreadyEncryptedError,
    FluxsecretsError,
    FormatError,
    IntegrityError,
    LimitError,
    MetadataError,
    NotEncryptedError,
    UnprotectedError,
)
from fluxsecrets.marks import SIGN_BYTES, is_ciphertext, is_encrypted_comment
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.ops.run.record import note_key
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.sops.cipher import Cipher, DataKey
from fluxsecrets.sops.decryption import not_encrypted, open_document
from fluxsecrets.sops.disclosure import disclosed
from fluxsecrets.sops.document import Comment, Document, Leaf, Mapping, show_path
from fluxsecrets.sops.encryption import Encrypted, encrypt_document
from fluxsecrets.sops.envelope import (
    Providers,
    check_recipients,
    open_data_key,
    wrap_data_key,
)
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.mac import seal_mac
from fluxsecrets.sops.metadata import VERSION, Metadata, is_newer
from fluxsecrets.sops.opened import Opened
from fluxsecrets.sops.selection import is_empty, selected
from fluxsecrets.sops.selectors import Selector, compile_selector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.policy.policy import Policy

_WARNINGS_SHOWN = 5  # of one kind, for one file

FLUX_SIZE_LIMIT = 5 * 2**20
"""Size in bytes above which Flux's controller refuses to decrypt a file."""


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


@dataclass(frozen=True, slots=True)
class EncryptedFile:
    """The result of encrypting a file's content.

    Attributes:
        reused: the number of values that kept their ciphertext from git.
    """

    data: bytes = field(repr=False)
    values: int
    reused: int = 0
    warnings: tuple[str, ...] = ()


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
    del data  # see `encrypt_content`
    return open_parsed(format_, document, providers, check_mac=check_mac, order=order)


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


def encrypt_content(
    format_: Format,
    data: bytes,
    policy: Policy,
    providers: Providers,
    *,
    now: str,
    limits: Limits,
    kubernetes: bool = True,
    previous: OpenedFile | None = None,
    by_hand: bool = False,
    new_key: bool = False,
    check: Callable[[Document], None] | None = None,
) -> EncryptedFile:
    """Encrypt a plain file's content.

    Args:
        format_: its format.
        data: the plain content.
        policy: recipients, selector and options.
        providers: wrap the data key.
        now: for `lastmodified`, RFC 3339.
        limits: limits of the input.
        kubernetes: check that the selector keeps what Flux needs.
        previous: the opened file from which the content was made. Unchanged values keep their ciphertext if
            recipients and selector are the same. Nothing decrypted from it may be plain text in the new file.
        by_hand: a person edited the content, so a value that becomes plain text is only a warning.
        new_key: always use a new data key.
        check: refuses the parsed content, such as `policy.validity.refuse_invalid`.

    Raises:
        AlreadyEncryptedError: the content already has a `sops` block.
        UnprotectedError, SelectorError, RecipientError: the policy would not protect it, or Flux could not
            apply it; or something decrypted from `previous` would be plain text.
        FormatError, LimitError: the content can't be parsed.
    """
    from fluxsecrets.ops.policy.policy import selector_for

    from .verification import Expected, verify  # decrypting does without

    document = _parse_plain(format_, data, limits)
    del data  # freed at once where the caller has let go of it, too: a file may have many megabytes
    single_value = format_.single_value
    # A file that is one value has no keys to select, and sops can't read such a file with a selector. Its MAC
    # covers that value anyway: sops leaves mac_only_encrypted out.
    if single_value:
        kept = previous is not None and previous.metadata.mac_only_encrypted
        policy = replace(policy, selector=None, mac_only_encrypted=kept)
    selector = selector_for(document, policy, kubernetes=kubernetes and not single_value)
    warnings: list[str] = []
    expanded = _expand_aliases(format_, document, selector, limits)
    if expanded is not document:
        warnings.append("YAML aliases were expanded, since their values are encrypted")
    same = previous is not None and not new_key and _same_protection(previous, policy, selector)
    reusable = previous if same else None
    if reusable is None:
        check_recipients(policy.groups, providers)
    if previous is not None and reusable is None and not new_key:
        warnings.append("recipients or selector changed, so the file got a new data key")
    data_key = reusable.opened.data_key if reusable is not None else DataKey.generate()
    encrypted = encrypt_document(
        expanded,
        selector,
        data_key,
        mac_only_encrypted=policy.mac_only_encrypted,
        single_value=single_value,
        previous=reusable.opened if reusable is not None else None,
    )
    if check is not None and not single_value:  # behind what is more: a ciphertext among the values
        check(document)
    warnings += encrypted.warnings
    if previous is not None and not single_value:
        warnings += _disclosed(previous, encrypted, by_hand=by_hand)
    warnings += _repeated(encrypted)
    mac = seal_mac(encrypted.digest, now, Cipher(data_key))
    if previous is not None:
        expanded = format_.laid_out_like(expanded, previous.opened.document)
    if reusable is not None:
        metadata = replace(reusable.metadata, lastmodified=now, mac=mac)
    else:
        metadata = _new_metadata(policy, selector, data_key, providers, now=now, mac=mac)
    new = format_.rewrite(expanded, encrypted.changes, metadata)
    _refuse_too_large(new, limits)
    if reusable is not None and encrypted.reused == len(encrypted.changes):
        unchanged = format_.rewrite(expanded, encrypted.changes, reusable.metadata)
        if _opens(format_, unchanged, data_key, limits, single_value=single_value):
            new, metadata = unchanged, reusable.metadata
    values, reused = sum(isinstance(change.target, Leaf) for change in encrypted.changes), encrypted.reused
    # Only the values are needed now. Otherwise memory would hold the text of a large file several times.
    plain = replace(expanded, source="", layout=None)
    del document, expanded, encrypted
    verify(format_, Expected(plain, data_key, metadata), new, limits)
    if kubernetes and len(new) > FLUX_SIZE_LIMIT:
        warnings.append(f"the file has {len(new) / 2**20:.1f} MiB: Flux refuses to decrypt more than 5 MiB")
    return EncryptedFile(new, values, reused, tuple(warnings))


def _parse_plain(format_: Format, data: bytes, limits: Limits) -> Document:
    """Parse a plain file's content.

    Raises:
        AlreadyEncryptedError: it has a `sops` block.
        FluxsecretsError: see `parse`.
    """
    document = parse(format_, data, limits)
    if document.metadata is not None:
        raise AlreadyEncryptedError("the file is already encrypted", hint="nothing to do")
    return document


def _disclosed(previous: OpenedFile, encrypted: Encrypted, *, by_hand: bool) -> list[str]:
    """Return warnings about decrypted values that would be plain text.

    Raises:
        UnprotectedError: there are such values, and no person edited the text.
    """
    found = list(disclosed(previous.opened, encrypted.plain, by_hand=by_hand))
    for item in found if not by_hand else ():
        raise UnprotectedError(
            f"{_described(item)} was encrypted and would be plain text after this change",
            line=item.line,
            hint="change the text yourself with `fluxsecrets edit FILE`",
        )
    return _few([f"{_described(item)} on line {item.line} is plain text now" for item in found])


def _repeated(encrypted: Encrypted) -> list[str]:
    """Return warnings about comments that contain an encrypted value."""
    comments = [item for item in encrypted.plain if isinstance(item, Comment)]
    if not comments:
        return []
    from fluxsecrets.sops.traces import values_in_comments

    targets = (change.target for change in encrypted.changes)
    values = ((leaf.path, leaf.value) for leaf in targets if isinstance(leaf, Leaf))
    return _few(
        [
            f"the comment on line {trace.comment.line} holds the value of {trace.path} and stays plain text: "
            "remove it, and change the value if it was committed"
            for trace in values_in_comments(values, comments)
        ]
    )


def _described(item: Leaf | Comment) -> str:
    return "a comment" if isinstance(item, Comment) else f"the value of {show_path(item.path)}"


def _few(warnings: list[str]) -> list[str]:
    more = len(warnings) - _WARNINGS_SHOWN
    return warnings if more < 1 else [*warnings[:_WARNINGS_SHOWN], f"... and {more} more of that kind"]


def _refuse_too_large(new: bytes, limits: Limits) -> None:
    if len(new) > limits.size:
        raise LimitError(
            f"encrypted, it would have {len(new) / 2**20:.0f} MiB, and nothing over "
            f"{limits.size / 2**20:.0f} MiB can be read again",
            hint="split it into several files, or treat it as one value with --input-type binary",
        )


def _expand_aliases(format_: Format, document: Document, selector: Selector, limits: Limits) -> Document:
    if not format_.may_have_aliases(document):
        return document
    encrypted = [item for item, yes in selected(document, selector) if yes]
    return format_.expand_aliases(document, encrypted, limits)


def _same_protection(previous: OpenedFile, policy: Policy, selector: Selector) -> bool:
    metadata = previous.metadata
    return (
        metadata.recipients == policy.groups
        and (
            len(policy.groups) == 1
            or metadata.shamir_threshold == (policy.shamir_threshold or len(policy.groups))
        )
        and metadata.selector == selector.spec
        and metadata.mac_only_encrypted == policy.mac_only_encrypted
    )


def _new_metadata(
    policy: Policy, selector: Selector, data_key: DataKey, providers: Providers, *, now: str, mac: str
) -> Metadata:
    several = len(policy.groups) > 1
    return Metadata(
        key_groups=wrap_data_key(data_key, policy.groups, policy.shamir_threshold, providers),
        selector=selector.spec,
        lastmodified=now,
        mac=mac,
        mac_only_encrypted=policy.mac_only_encrypted,
        shamir_threshold=(policy.shamir_threshold or len(policy.groups)) if several else 0,
        version=VERSION,
    )


def _opens(format_: Format, data: bytes, data_key: DataKey, limits: Limits, *, single_value: bool) -> bool:
    document = format_.parse(data, limits)
    if document.metadata is None:
        return False
    try:
        open_document(document, own_selector(document.metadata), data_key, single_value=single_value)
    except IntegrityError:
        return False
    return True
