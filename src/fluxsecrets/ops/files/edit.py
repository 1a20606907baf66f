"""Change an encrypted file in the user's editor, or write a new one.

The plain text is in a private folder, in memory if the system supports it, and only while the editor runs.
The edited text is not lost: if it can't be encrypted, the editor opens again; if nobody can be asked, or the
file can't be replaced, the text is kept beside it, encrypted.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.errors import FileAccessError, FluxsecretsError, UsageError
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.files.writing import write_new
from fluxsecrets.ops.policy.given import NOBODY, GivenRecipients, override_note
from fluxsecrets.ops.policy.policy import Overrides, Policy, blaming_rule, policy_for, selector_for
from fluxsecrets.ops.policy.validity import refuse_invalid
from fluxsecrets.ops.run.inputs import format_of_name, refuse_folder
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import repository_root, select
from fluxsecrets.repo.configfiles import refuse_configuration
from fluxsecrets.repo.git import find_repository
from fluxsecrets.shell import command_for
from fluxsecrets.sops.envelope import check_recipients
from fluxsecrets.sops.formats import StoresConfig, make_format

from .content import parse
from .desk import Ask, Desk, Edit, Given, keeper, kept_aside
from .encryption import EncryptedFile, encrypt_content
from .onlycopy import others_only
from .reencrypt import OpenTarget, encrypt_again, open_target, write_back

NEW_FILE_MODE = 0o644
"""Permission bits of a new file. It is encrypted, and goes into git."""


class EditOutcome(StrEnum):
    """The outcome for a file."""

    EDITED = "edited"
    CREATED = "created"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class EditResult:
    """The result of editing.

    Attributes:
        outcome: the outcome.
        values: the number of encrypted values in the file, or None if it was not changed.
    """

    path: str
    outcome: EditOutcome
    values: int | None = None
    warnings: tuple[str, ...] = ()


def edit_file(
    session: Session,
    text: str,
    edit: Edit | Given,
    ask: Ask,
    *,
    input_type: str | None = None,
    accept_recipients: bool = False,
    for_others: bool = False,
    allow_invalid: bool = False,
    recipients: GivenRecipients = NOBODY,
) -> EditResult:
    """Edit an encrypted file, or create a new one with the creation rule for its name.

    Args:
        session: the run.
        text: the path as given.
        edit: runs the editor, or is the edited text.
        ask: asks whether to continue after an error.
        input_type: overrides the format from its name.
        accept_recipients: see `reencrypt.open_target`.
        for_others: create a new file even if nobody here could decrypt it.
        allow_invalid: take a Secret that Kubernetes would refuse.
        recipients: those of a new file instead of the rule's.

    Raises:
        UsageError: options name recipients for a file that exists.
        NotEncryptedError: the file is plain.
        UnprotectedError: see `reencrypt.open_target`.
        ConfigError: no rule matches a new file.
        FileAccessError: the file can't be replaced; the message says where the edited text is.
        FluxsecretsError: the edited text can't be encrypted, and the user gave up.
    """
    refuse_folder(session, text)
    try:
        if text and not os.path.lexists(session.cwd / text):
            options = _Options(input_type, for_others, allow_invalid, recipients)
            return _create(session, text, edit, ask, options)
        if recipients and not recipients.variables:
            raise UsageError(
                "options name the recipients of a new file, and this one exists",
                hint=f"change its recipients with `{command_for('rotate', (text,))}` and --add-… or --rm-…",
            )
        target = select(session, [text], input_type=input_type).targets[0]
        opened = open_target(session, target, accept_recipients=accept_recipients)
        return _change(session, opened, edit, ask, allow_invalid=allow_invalid)
    except FluxsecretsError as error:
        raise error.in_file(text) from None


class _Options(NamedTuple):
    """How to create a file; see `edit_file`."""

    input_type: str | None
    for_others: bool
    allow_invalid: bool
    recipients: GivenRecipients


def _change(
    session: Session, opened: OpenTarget, edit: Edit | Given, ask: Ask, *, allow_invalid: bool
) -> EditResult:
    target = opened.target
    before = opened.file.text()
    keep = keeper(session, target.path, opened.policy)
    desk = edit if isinstance(edit, Given) else Desk(edit, ask, target.format, session.limits.size, keep)
    done = desk.until_encrypted(
        target.path.name,
        before,
        lambda plain: encrypt_again(session, opened, plain, by_hand=True, allow_invalid=allow_invalid),
    )
    if done is None:
        return EditResult(target.shown, EditOutcome.UNCHANGED, warnings=opened.warnings)
    warnings = dict.fromkeys((*opened.warnings, *done.warnings))
    try:
        write_back(session, target, opened.content, done.data)
    except FluxsecretsError as error:
        raise kept_aside(session, target.path, done.data, error) from None
    return EditResult(target.shown, EditOutcome.EDITED, done.values, tuple(warnings))


def _create(session: Session, text: str, edit: Edit | Given, ask: Ask, options: _Options) -> EditResult:
    path = _new_path(session, text)
    refuse_configuration(path)
    name = options.input_type or format_of_name(session, text)
    policy = policy_for(session, path, Overrides(options.recipients.parsed()))
    with blaming_rule(policy):
        check_recipients(policy.groups, session.providers)
    names = {**read_public_keys(repository_root(session)), **policy.names}
    others = others_only(session, policy.groups, policy.shamir_threshold, names, lambda: options.for_others)
    format_ = make_format(name, policy.stores)

    def encrypt(plain: bytes) -> EncryptedFile:
        return encrypt_content(
            format_,
            plain,
            policy,
            session.providers,
            now=session.now(),
            limits=session.limits,
            check=None if options.allow_invalid else refuse_invalid,
        )

    keep = keeper(session, path, policy)
    desk = edit if isinstance(edit, Given) else Desk(edit, ask, name, session.limits.size, keep)
    done = desk.until_encrypted(path.name, _template(session, name, path, policy), encrypt)
    if done is None:
        return EditResult(text, EditOutcome.UNCHANGED)
    encrypted = done
    try:
        write_new(path, encrypted.data, NEW_FILE_MODE)
    except FluxsecretsError as error:
        error.path = text
        raise kept_aside(session, path, encrypted.data, error) from None
    return EditResult(
        text,
        EditOutcome.CREATED,
        encrypted.values,
        (*override_note(options.recipients), *encrypted.warnings, *others),
    )


def _new_path(session: Session, text: str) -> Path:
    """Return the real path of a new file.

    Raises:
        FileAccessError: its folder does not exist, or is behind a link that leaves the repository.
    """
    path = Path(os.path.normpath(session.cwd / text))
    if not path.parent.is_dir():
        raise FileAccessError("its folder does not exist", path=text, hint="create the folder first")
    for start in (session.cwd, path.parent):
        repository = find_repository(start)
        if repository is not None and path.is_relative_to(repository.root):
            return resolve_inside(path, repository.root)
    return path.resolve()


def _template(session: Session, name: str, path: Path, policy: Policy) -> bytes:
    """Return the initial text of a new file: a Secret, if the rule encrypts one as Flux needs."""
    format_ = make_format(name, StoresConfig(json_indent=2))
    if format_.many_documents:
        stem = re.sub(r"[^a-z0-9]+", "-", path.name.lower().partition(".")[0]).strip("-") or "name"
        secret = (
            f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {stem}\nstringData:\n  key: value\n"
        ).encode()
        with suppress(FluxsecretsError):
            selector = selector_for(parse(format_, secret, session.limits), policy)
            if selector.encrypts(("stringData", "key"), ()):
                return secret
    return b"" if format_.single_value else format_.render([dict(format_.example)])
