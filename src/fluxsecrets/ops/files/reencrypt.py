"""Open an encrypted file to change it, and encrypt it again with its own settings.

Recipients, selector and threshold come from the file's own block, after a comparison with the creation rule.
Unchanged values keep their ciphertext, and the wrapped keys stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from fluxsecrets.errors import FluxsecretsError, NotEncryptedError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.ops.policy.policy import Policy, selector_for
from fluxsecrets.ops.policy.strangers import accepted, judge
from fluxsecrets.ops.policy.validity import refuse_invalid
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of, read_public_keys
from fluxsecrets.ops.run.onefile import refuse_interrupted, refuse_read_only, replace_file
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass, replace
from fluxsecrets.repo.configfiles import fix_hint
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import StoresConfig, make_format

from .content import OpenedFile, open_file
from .encryption import EncryptedFile, encrypt_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.repo.git.ahead import History


@dataclass(frozen=True, slots=True)
class OpenTarget:
    """An encrypted file that is opened for a change.

    Attributes:
        content: the content that was read; it must not have changed when the new content is written.
        file: its values; the MAC was checked.
        policy: its recipients and settings, from its own block.
        kubernetes: Flux can apply it, and must still be able to after the change.
    """

    target: Target
    content: FileContent
    file: OpenedFile
    policy: Policy
    kubernetes: bool
    warnings: tuple[str, ...] = ()

    @property
    def plain(self) -> Document:
        """The file with plain values. Places refer to the encrypted text."""
        return replace(self.file.opened.document, parts=self.file.parts, metadata=None)


def open_target(
    session: Session, target: Target, content: FileContent | None = None, *, accept_recipients: bool = False
) -> OpenTarget:
    """Open an encrypted file to change it.

    Args:
        session: the run.
        target: the file.
        content: what was read of it, if it was read before.
        accept_recipients: continue even if its block protects less than the rule.

    Raises:
        NotEncryptedError: the file is plain.
        UnprotectedError: it has unknown recipients, or a weaker selector or threshold than the rule.
        FileAccessError: it can't be read, or is read-only.
        UsageError: an interrupted operation on many files must be completed first.
        DataKeyError, IntegrityError, FormatError, ...: see `content.open_file`.
    """
    if target.problem is not None:
        raise target.problem
    refuse_interrupted((target.path,))
    try:
        return _open(session, target, content, accept_recipients=accept_recipients)
    except FluxsecretsError as error:
        if error.path == str(target.path):
            error.path = target.shown
        raise error.in_file(target.shown) from None


def _open(
    session: Session, target: Target, content: FileContent | None, *, accept_recipients: bool
) -> OpenTarget:
    content = content or read_file(target.path, limit=session.limits.size)
    refuse_read_only(content)  # before the user does any work
    return open_content(session, target, content, accept_recipients=accept_recipients)


def open_content(
    session: Session, target: Target, content: FileContent, *, accept_recipients: bool = False
) -> OpenTarget:
    """Open a content that a file has, or is going to have, to change it; see `open_target`."""
    try:
        opened = open_file(make_format(target.format), content.data, session.providers, session.limits)
    except NotEncryptedError as error:
        error.hint = error.hint or "encrypt it with `fluxsecrets encrypt FILE`"
        fix_hint(error, target.path)
        raise
    metadata, document = opened.metadata, opened.opened.document
    differences = judge(session, target.path, metadata, document)
    names = recipient_names(session, target)
    warnings = [*opened.warnings, *accepted(differences, names, accept=accept_recipients)]
    if differences.missing:
        absent = ", ".join(names_of((differences.missing,), names))
        warnings.append(f"it is not encrypted for {absent}, whom the creation rule names")
    applied = session.rules_for(target.path)
    policy = Policy(
        groups=metadata.recipients,
        shamir_threshold=metadata.shamir_threshold,
        selector=metadata.selector,
        mac_only_encrypted=metadata.mac_only_encrypted,
        names=names,
        stores=applied.config.stores if applied is not None else StoresConfig(),
    )
    found = OpenTarget(target, content, opened, policy, kubernetes=False, warnings=tuple(warnings))
    return replace(found, kubernetes=_fits_flux(found))


def _fits_flux(found: OpenTarget) -> bool:
    """Whether Flux can apply the current file. If it can't, that is not a reason to refuse a change."""
    try:
        selector_for(found.plain, found.policy)
    except FluxsecretsError:
        return False
    return True


def recipient_names(session: Session, target: Target) -> Mapping[str, str]:
    """Return names of recipients for messages about a file: the rule's anchors, then the public keys."""
    root = target.repository.root if target.repository is not None else session.cwd
    rule = session.rule_for(target.path)
    return {**read_public_keys(root), **(rule.names if rule is not None else {})}


def encrypt_again(
    session: Session,
    opened: OpenTarget,
    plain: bytes,
    *,
    by_hand: bool = False,
    allow_invalid: bool = False,
    history: History | None = None,
) -> EncryptedFile:
    """Encrypt changed plain text for the same recipients in the same way.

    The file gets a new data key if a former recipient knows the old one.

    Args:
        session: the run.
        opened: the file before the change.
        plain: its new plain text.
        by_hand: see `encryption.encrypt_content`.
        allow_invalid: take a change after which Kubernetes would refuse a Secret that it takes now.
        history: of its repository, where git lists it already.

    Raises:
        FormatError, UnprotectedError, ...: see `encryption.encrypt_content`.
    """
    format_ = make_format(opened.target.format, opened.policy.stores)
    why_new = why_new_data_key(session, opened, history)
    encrypted = encrypt_content(
        format_,
        plain,
        opened.policy,
        session.providers,
        now=session.now(),
        limits=session.limits,
        kubernetes=opened.kubernetes,
        previous=opened.file,
        by_hand=by_hand,
        new_key=why_new is not None,
        check=None if allow_invalid else partial(refuse_invalid, before=opened.plain),
    )
    return encrypted if why_new is None else replace(encrypted, warnings=(*encrypted.warnings, why_new))


def why_new_data_key(session: Session, opened: OpenTarget, history: History | None) -> str | None:
    """Return why the file's data key must not be used for another value, or None."""
    from .datakeys import why_new_data_keys

    target = opened.target
    if target.repository is None or target.repository_path is None:
        return None
    path, files = target.repository_path, {target.repository_path: opened.content.data}
    return why_new_data_keys(session, target.repository, files, opened.policy.names, history).get(path)


@contextmanager
def history_of(target: Target) -> Iterator[History | None]:
    """Start to list the history of a file's repository, for `encrypt_again`; git ends with the block."""
    if target.problem is not None or target.repository is None or target.repository_path is None:
        yield None
        return
    from fluxsecrets.repo.git.ahead import history_ahead

    with history_ahead(target.repository) as history:
        yield history


def write_back(session: Session, target: Target, content: FileContent, encrypted: bytes) -> None:
    """Replace a file, if it has not changed since it was read.

    Args:
        session: the run.
        target: the file.
        content: as it was read.
        encrypted: its new content.

    Raises:
        FileAccessError: it was changed meanwhile, or can't be written; it stays unchanged.
    """
    try:
        session.warn_of(target.path, replace_file(content, encrypted))
    except FluxsecretsError as error:
        error.path = target.shown
        raise
