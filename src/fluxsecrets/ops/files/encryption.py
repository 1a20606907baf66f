"""Encrypt one file's content: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fluxsecrets.errors import AlreadyEncryptedError, IntegrityError, LimitError, UnprotectedError
from fluxsecrets.ops.policy.policy import Policy, selector_for
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.sops.cipher import Cipher, DataKey
from fluxsecrets.sops.decryption import open_document
from fluxsecrets.sops.document import Comment, Document, Leaf, Path, show_path
from fluxsecrets.sops.envelope import Providers, check_recipients, wrap_data_key
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.mac import seal_mac
from fluxsecrets.sops.metadata import VERSION, Metadata
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.selectors import Selector
from fluxsecrets.sops.values import Value

from .content import OpenedFile, own_selector, parse
from .verification import Expected, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.sops.encryption import Encrypted

_WARNINGS_SHOWN = 5  # of one kind, for one file

FLUX_SIZE_LIMIT = 5 * 2**20
"""Size in bytes above which Flux's controller refuses to decrypt a file."""


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
    from fluxsecrets.sops.encryption import encrypt_document  # start-up time: `exchange` does without

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
    same = previous is not None and not new_key and same_protection(previous, policy, selector)
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
    refuse_too_large(new, limits)
    if reusable is not None and encrypted.reused == len(encrypted.changes):
        unchanged = format_.rewrite(expanded, encrypted.changes, reusable.metadata)
        if _opens(format_, unchanged, data_key, limits, single_value=single_value):
            new, metadata = unchanged, reusable.metadata
    values, reused = sum(isinstance(change.target, Leaf) for change in encrypted.changes), encrypted.reused
    # Only the values are needed now. Otherwise memory would hold the text of a large file several times.
    plain = replace(expanded, source="", layout=None)
    del document, expanded, encrypted
    verify(format_, Expected(plain, data_key, metadata), new, limits)
    warnings += size_warnings(new, kubernetes=kubernetes)
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
    from fluxsecrets.sops.disclosure import disclosed  # start-up time: a new file has no previous one

    found = list(disclosed(previous.opened, encrypted.plain, by_hand=by_hand))
    for item in found if not by_hand else ():
        raise UnprotectedError(
            f"{_described(item)} was encrypted and would be plain text after this change",
            line=item.line,
            hint="change the text yourself with `fluxsecrets edit FILE`",
        )
    return _few([f"{_described(item)} on line {item.line} is plain text now" for item in found])


def _repeated(encrypted: Encrypted) -> list[str]:
    # Not in `encrypt_content`, where what it goes through would stay in memory to the end.
    targets = (change.target for change in encrypted.changes)
    values = ((leaf.path, leaf.value) for leaf in targets if isinstance(leaf, Leaf))
    return repeated(values, [item for item in encrypted.plain if isinstance(item, Comment)])


def size_warnings(new: bytes, *, kubernetes: bool) -> list[str]:
    """Return a warning about an encrypted content that Flux refuses for its size."""
    if not kubernetes or len(new) <= FLUX_SIZE_LIMIT:
        return []
    return [f"the file has {len(new) / 2**20:.1f} MiB: Flux refuses to decrypt more than 5 MiB"]


def repeated(values: Iterable[tuple[Path, Value]], comments: Sequence[Comment]) -> list[str]:
    """Return warnings about comments that contain an encrypted value.

    Args:
        values: what is encrypted, with its path.
        comments: those that stay plain text.
    """
    if not comments:
        return []
    from fluxsecrets.sops.traces import values_in_comments

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


def refuse_too_large(new: bytes, limits: Limits) -> None:
    """Refuse an encrypted content that could not be read again.

    Raises:
        LimitError: it is larger than the limit.
    """
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


def same_protection(previous: OpenedFile, policy: Policy, selector: Selector) -> bool:
    """Whether a file is encrypted for the same people in the same way, so that its data key may stay."""
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
