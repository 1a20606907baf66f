"""Wrap a file's data key for other recipients, or replace it; for `rotate` and `recipients sync`.

Which environments a file belongs to, and for whom it is encrypted now, its `sops` block says alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, NotEncryptedError, UnprotectedError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of, post_quantum_warnings
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.results import FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import AppliedConfig, Session
from fluxsecrets.ops.run.targets import select, tree_of
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.repo.git import find_repository
from fluxsecrets.sops.cipher import Cipher, DataKey, additional_data
from fluxsecrets.sops.comparison import comments_of, same_trees
from fluxsecrets.sops.decryption import open_document
from fluxsecrets.sops.document import Change, Comment, Document, Leaf
from fluxsecrets.sops.envelope import (
    RecipientGroups,
    check_recipients,
    groups_needed,
    kept_keys,
    wrap_data_key,
)
from fluxsecrets.sops.formats import Format, Limits, StoresConfig, make_format
from fluxsecrets.sops.mac import mac_additional_data, seal_mac
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .content import OpenedFile, open_file, own_selector, parse
from .encryptedfiles import encrypted_targets
from .encryption import encrypt_content
from .onlycopy import OTHERS_ONLY
from .verification import Expected, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from fluxsecrets.repo.environments import Environment

    Options = TypeVar("Options")

_KEPT = 2**15
"""Most bytes of a file that are kept until the journal has them; a larger one is read again for it."""

ELSEWHERE = ""
"""Key for files without an environment."""


@dataclass(frozen=True, slots=True)
class FileKeys:
    """The recipients of a file.

    Attributes:
        path: its path in the repository.
        groups: recipients by key group.
        needed: the number of groups that are needed.
        lastmodified: RFC 3339, as the file has it.
        version: of the sops format that wrote the file.
    """

    shown: str
    path: str
    groups: RecipientGroups
    needed: int
    lastmodified: str = ""
    version: str = ""

    def is_for(self, recipient: Recipient) -> bool:
        """Whether the file is encrypted for a recipient."""
        key = recipient_key(recipient)
        return any(recipient_key(each) == key for group in self.groups for each in group)

    def needs(self, recipient: Recipient) -> bool:
        """Whether the other recipients together can't open the file."""
        key = recipient_key(recipient)
        left = [group for group in self.groups if any(recipient_key(each) != key for each in group)]
        return len(left) < self.needed


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """The encrypted files of a repository.

    Attributes:
        root: the repository's root, or the working directory.
        environments: the paths of each environment's files, ordered by name.
        errors: files that could not be read.
    """

    root: Path
    files: tuple[FileKeys, ...] = ()
    environments: Mapping[str, frozenset[str]] = field(default_factory=dict)
    errors: tuple[FluxsecretsError, ...] = ()

    def files_for(self, recipient: Recipient) -> dict[str, int]:
        """Return the number of a recipient's files by environment. A shared file counts in each."""
        paths = {file.path for file in self.files if file.is_for(recipient)}
        counts = {name: len(paths & own) for name, own in self.environments.items()}
        counts[ELSEWHERE] = len(paths.difference(*self.environments.values()))
        return {name: count for name, count in counts.items() if count}

    def only_for(self, recipient: Recipient) -> tuple[str, ...]:
        """Return the files that nobody could open without a recipient."""
        return tuple(file.shown for file in self.files if file.needs(recipient))

    def recipients(self, environment: str) -> dict[tuple[str, str], Recipient]:
        """Return all recipients of an environment's files, by `recipient_key`."""
        own = self.environments.get(environment, frozenset())
        found = (file.groups for file in self.files if file.path in own)
        return {recipient_key(each): each for groups in found for group in groups for each in group}


def read_usage(session: Session, environments: Sequence[Environment] | None = None) -> KeyUsage:
    """Read every encrypted file of the current repository. This needs no identity.

    Args:
        session: the run.
        environments: those of the repository, from `load_reached`; None reads them.

    Raises:
        ConfigError: the repository's settings are invalid.
        GitError: git failed.
    """
    repository = find_repository(session.cwd)
    if repository is None:
        return KeyUsage(session.cwd)
    selection = select(session, ())
    targets, _ = encrypted_targets(session, selection)
    looks = tuple(run_jobs(partial(file_keys, session), targets))
    if environments is None:
        from fluxsecrets.repo.environments import load_reached

        environments = load_reached(tree_of(session, selection))
    return KeyUsage(
        repository.root,
        tuple(look for look in looks if isinstance(look, FileKeys)),
        {each.name: each.files | frozenset(each.generator_files) for each in environments},
        tuple(look for look in looks if isinstance(look, FluxsecretsError)),
    )


def file_keys(session: Session, target: Target) -> FileKeys | FluxsecretsError:
    """Return the recipients of a file, or why they are unknown."""
    try:
        if target.problem is not None:
            raise target.problem
        content = read_file(target.path, limit=session.limits.size)
        metadata = parse(make_format(target.format), content.data, session.limits).metadata
        if metadata is None:
            raise NotEncryptedError("the file is not encrypted")
    except FluxsecretsError as error:
        if error.path == str(target.path):
            error.path = target.shown
        return error.in_file(target.shown)
    groups = metadata.recipients
    needed = groups_needed(groups, metadata.shamir_threshold)
    return FileKeys(
        target.shown,
        target.repository_path or target.shown,
        groups,
        needed,
        metadata.lastmodified,
        metadata.version,
    )


@dataclass(frozen=True, slots=True)
class RekeyResult(FileResult):
    """One file's result, with the changes of its recipients.

    Attributes:
        added: names of new recipients.
        removed: names of removed recipients; they can still read git's history.
        rearranged: key groups, threshold or spelling of recipients changed, too or only.
        new_data_key: every value was encrypted again with a new key.
        regenerated: keys of values that were generated again.
        shared_with: other environments that the file belongs to.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    rearranged: bool = False
    new_data_key: bool = False
    regenerated: tuple[str, ...] = ()
    shared_with: tuple[str, ...] = ()


def with_new_data_key(
    session: Session,
    opened: OpenedFile,
    groups: RecipientGroups,
    threshold: int,
    stores: StoresConfig | None = None,
) -> tuple[bytes, tuple[str, ...]]:
    """Encrypt all values of an opened file again, with a new data key.

    The same values are encrypted, in the same places. Layout and unknown metadata are kept.

    Args:
        session: the run.
        opened: the file, its MAC checked.
        groups: recipients by key group.
        threshold: how many groups are needed; 0 means all.
        stores: indentation, or None for the file's own.

    Returns:
        The verified new content, and warnings.

    Raises:
        RecipientError: encrypting for a recipient failed.
        UnprotectedError: the result would not have the same values.
    """
    renewed = renew(session, opened, groups, threshold, stores)
    return renewed.verified(session.limits), renewed.warnings


class Renewed(NamedTuple):
    """An opened file's text with a new data key, from which `verified` gets the new content.

    The opened file is not needed any more: a large one is let go of before its new text is read again.

    Attributes:
        text: not to be written before it is verified.
        expected: what it has to hold; None where that is verified already.
        warnings: what the user should know.
    """

    format: Format
    text: bytes
    expected: Expected | None = None
    warnings: tuple[str, ...] = ()

    def verified(self, limits: Limits) -> bytes:
        """The new content, read again and compared.

        Raises:
            UnprotectedError: it does not have the same values.
        """
        if self.expected is not None:
            verify(self.format, self.expected, self.text, limits)
        return self.text


def renew(
    session: Session,
    opened: OpenedFile,
    groups: RecipientGroups,
    threshold: int,
    stores: StoresConfig | None = None,
) -> Renewed:
    """The steps of `with_new_data_key` for which the opened file is needed; the arguments are the same.

    Raises:
        RecipientError, UnprotectedError: see `with_new_data_key`.
    """
    if not opened.opened.warnings and not any(change.becomes_comment for change in opened.opened.changes):
        return _in_place(session, opened, groups, threshold)
    # Some comments are not encrypted, or are in places where sops writes them but can't read them. The
    # detour through plain text fixes them.
    text, warnings = with_new_text(session, opened, opened.text(), groups, threshold, stores)
    return Renewed(opened.format, text, warnings=warnings)


def _in_place(session: Session, opened: OpenedFile, groups: RecipientGroups, threshold: int) -> Renewed:
    check_recipients(groups, session.providers)
    format_, document, own = opened.format, opened.opened.document, opened.metadata
    data_key = DataKey.generate()
    cipher = Cipher(data_key)
    # One at a time where the format can: a file may have many megabytes of them.
    changes = (
        Change(
            change.target,
            cipher.encrypt(
                change.value,
                additional_data(change.target.path),
                _kind(change.target, single_value=format_.single_value),
            ),
            encrypted=True,
        )
        for change in opened.opened.changes
    )
    # The MAC was compared with the values when the file was opened.
    digest, _ = Cipher(opened.opened.data_key).decrypt_bytes(
        own.mac or "", mac_additional_data(own.lastmodified)
    )
    now = session.now()
    metadata = replace(
        own,
        key_groups=wrap_data_key(data_key, groups, threshold, session.providers),
        shamir_threshold=_threshold(groups, threshold),
        lastmodified=now,
        mac=seal_mac(digest.decode(), now, cipher),
    )
    text = format_.rewrite(document, changes, metadata)
    plain = replace(document, source="", parts=opened.parts, metadata=None, layout=None)
    return Renewed(format_, text, Expected(plain, data_key, metadata))


def _kind(target: Leaf | Comment, *, single_value: bool) -> str | None:
    if isinstance(target, Comment):
        return "comment"
    return "str" if single_value else None


def _threshold(groups: RecipientGroups, threshold: int) -> int:
    return (threshold or len(groups)) if len(groups) > 1 else 0


def with_new_text(
    session: Session,
    opened: OpenedFile,
    text: bytes,
    groups: RecipientGroups,
    threshold: int,
    stores: StoresConfig | None = None,
) -> tuple[bytes, tuple[str, ...]]:
    """Encrypt another text in place of an opened file, in the same way, with a new data key.

    Args:
        session: the run.
        opened: the file, its MAC checked.
        text: the new plain text.
        groups: recipients by key group.
        threshold: how many groups are needed; 0 means all.
        stores: indentation, or None for the file's own.

    Returns:
        The new content, verified, and what the user should know.
    """
    own = opened.metadata
    policy = Policy(
        groups=groups,
        shamir_threshold=threshold,
        selector=own.selector,
        mac_only_encrypted=own.mac_only_encrypted,
        stores=stores or StoresConfig(),
    )
    encrypted = encrypt_content(
        opened.format,
        text,
        policy,
        session.providers,
        now=session.now(),
        limits=session.limits,
        kubernetes=False,  # the file's own selector does not change, and Flux can already read it
        previous=opened,
        new_key=True,
    )
    data = encrypted.data
    if own.unknown:
        document = opened.format.parse(data, session.limits)
        if document.metadata is not None:
            metadata = replace(document.metadata, unknown=own.unknown)
            data, _ = _with_metadata(opened.format, document, metadata, session.limits)
    return data, encrypted.warnings


def with_same_data_key(
    session: Session, opened: OpenedFile, groups: RecipientGroups, threshold: int
) -> bytes:
    """Wrap an opened file's data key for other recipients. Values and `lastmodified` stay, as in sops.

    Args:
        session: the run.
        opened: the file, its MAC checked.
        groups: recipients by key group.
        threshold: how many groups are needed; 0 means all.

    Raises:
        RecipientError: a recipient cannot be encrypted for.
        UnprotectedError: the result would not be what it came from.
    """
    kept = kept_keys(opened.metadata, groups)
    check_recipients(groups, session.providers, kept)
    data_key, format_ = opened.opened.data_key, opened.format
    metadata = replace(
        opened.metadata,
        key_groups=wrap_data_key(data_key, groups, threshold, session.providers, kept),
        shamir_threshold=_threshold(groups, threshold),
    )
    data, document = _with_metadata(format_, opened.opened.document, metadata, session.limits)
    open_document(document, own_selector(metadata), data_key, single_value=format_.single_value)
    return data


def _with_metadata(
    format_: Format, document: Document, metadata: Metadata, limits: Limits
) -> tuple[bytes, Document]:
    """The text of an encrypted file with another `sops` block, and what it holds when it is read again.

    Raises:
        UnprotectedError: the text holds something else than the file.
    """
    data = format_.rewrite(document, (), metadata)
    found = format_.parse(data, limits)
    same = found.metadata == metadata and same_trees(document, found)
    if not same or comments_of(document) != comments_of(found):
        raise UnprotectedError("the file was not changed: it could not be read back with its new sops block")
    return data, found


def changes_between(
    before: Iterable[Recipient], after: Iterable[Recipient], names: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return added and removed recipients, by name."""
    old = {recipient_key(recipient): recipient for recipient in before}
    new = {recipient_key(recipient): recipient for recipient in after}
    return (
        tuple(name_of(recipient, names) for key, recipient in new.items() if key not in old),
        tuple(name_of(recipient, names) for key, recipient in old.items() if key not in new),
    )


def flat(groups: RecipientGroups) -> list[Recipient]:
    """Return the recipients of all groups, in order."""
    return [recipient for group in groups for recipient in group]


def prepare_target(
    rekey: Callable[[Session, Options, Target], Prepared], session: Session, options: Options, target: Target
) -> Prepared:
    """Re-key one file. An error becomes its result, with the file's name as the user knows it."""
    try:
        if target.problem is not None:
            raise target.problem
        return rekey(session, options, target)
    except FluxsecretsError as error:
        error.path = error.path if error.path != str(target.path) else target.shown
        return Prepared(RekeyResult(target.shown, Outcome.FAILED, error=error.in_file(target.shown)))


@dataclass(frozen=True, slots=True)
class RekeyFile:
    """A file that is opened for re-keying.

    Attributes:
        content: the state that was read; the bytes of a large file are only in what was opened.
        applied: the rules that were tried for it.
        opened: the decrypted file, with its MAC checked.
    """

    content: FileContent
    applied: AppliedConfig | None
    opened: OpenedFile


def open_target(session: Session, target: Target) -> RekeyFile:
    """Open a file to re-key it; raises like `open_file`."""
    content = session.read(target.path)
    applied = session.rules_for(target.path)
    format_ = make_format(target.format, *([applied.config.stores] if applied is not None else []))
    opened = open_file(format_, content.data, session.providers, session.limits)
    kept = content if len(content.data) <= _KEPT else content.without_data()
    return RekeyFile(kept, applied, opened)


def rekeyed(
    session: Session,
    target: Target,
    file: RekeyFile,
    groups: RecipientGroups,
    names: Mapping[str, str],
    outcome: Outcome,
    warnings: Iterable[str] = (),
) -> RekeyResult:
    """Return the result for a file whose recipients changed.

    Args:
        session: the run.
        target: the file.
        file: the file before the change.
        groups: its new recipients by key group.
        names: recipient -> name.
        outcome: the outcome.
        warnings: more warnings.
    """
    opened = file.opened
    before = opened.metadata
    added, removed = changes_between(flat(before.recipients), flat(groups), names)
    threshold = min(before.shamir_threshold, len(groups))
    about = warnings_of_recipients(session, groups, threshold, names)
    return RekeyResult(
        target.shown,
        outcome,
        opened.values,
        names_of(groups, names),
        tuple(dict.fromkeys((*opened.warnings, *warnings, *about))),
        added=added,
        removed=removed,
    )


def for_others_only(session: Session, groups: RecipientGroups) -> tuple[str, ...]:
    """Return a warning if none of the available identities belongs to these recipients."""
    return () if session.opens_any(groups) or session.asks_services else (OTHERS_ONLY,)


def warnings_of_recipients(
    session: Session, groups: RecipientGroups, threshold: int, names: Mapping[str, str]
) -> tuple[str, ...]:
    """Return warnings about a file's new recipients."""
    return (*for_others_only(session, groups), *post_quantum_warnings(groups, threshold, names))
