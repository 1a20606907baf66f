"""`fluxsecrets edit`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.headings import HeadedCommand
from fluxsecrets.cli.options import (
    PathArgument,
    accept_option,
    allow_invalid_option,
    config_option,
    for_others_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
    takes,
)
from fluxsecrets.cli.output import (
    Output,
    show_warnings,
)
from fluxsecrets.cli.recipientoptions import aws_options, recipient_options
from fluxsecrets.cli.sealing import cert_option, private_key_option
from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.ops.files.desk import Edit, Given
from fluxsecrets.ops.files.edit import EditOutcome, EditResult, edit_file
from fluxsecrets.ops.files.editor import find_editor, run_editor
from fluxsecrets.ops.policy.given import GivenRecipients
from fluxsecrets.ops.run.inputs import read_stdin
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.sealing.sealers import Sealers, is_sealed_file

if TYPE_CHECKING:  # a SOPS file needs nothing of it
    from fluxsecrets.ops.sealing.edit import SealedEditResult


_RECIPIENTS = "Recipients of a new file, instead of the rule's"


@click.command("edit", cls=HeadedCommand)
@click.argument("path", cls=PathArgument)
@click.option(
    "--stdin", "from_stdin", is_flag=True, help="Take the edited text from standard input; no editor is run."
)
@recipient_options("Create the file for these {keys}.", _RECIPIENTS)
@aws_options(_RECIPIENTS)
@accept_option
@for_others_option
@allow_invalid_option
@input_type_option
@order_option
@config_option
@cert_option
@private_key_option
@quiet_option
@takes(Sealers)
def command(
    sealers: Sealers,
    *,
    path: str,
    recipients: GivenRecipients,
    from_stdin: bool,
    accept_recipients: bool,
    for_others: bool,
    allow_invalid: bool,
    input_type: str | None,
    config: Path | None,
    quiet: bool,
) -> int:
    """Edit an encrypted file, or create one.

    Opens the plain text in $SOPS_EDITOR, $EDITOR, vim, nano or vi. Unchanged values keep their ciphertext.
    Text that can't be encrypted is opened again, with the problem on top. A file that does not exist is
    created with the creation rule for its name, or for the recipients that options name.

    With --stdin, a program such as an editor's plug-in hands in the whole plain text, and text that can't be
    encrypted is an error.

    In a SealedSecret, changed and new values are sealed with the certificate. Placeholders stand for values
    that no private key opens, and keep them.
    """
    session, out = make_session(config), Output(quiet=quiet)
    edit = _given(session) if from_stdin else _editor(session)

    def ask(error: FluxsecretsError) -> bool | None:
        if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        out.error(error)
        return click.confirm("open the editor again?", default=True, err=True)

    if is_sealed_file(session, path):
        from fluxsecrets.ops.sealing.edit import edit_sealed

        if recipients and not recipients.variables:
            raise UsageError("a SealedSecret has no recipients", hint="leave out the options that name some")

        sealed = edit_sealed(session, path, edit, ask, sealers)
        show_warnings(out, sealed.path, sealed.warnings)
        out.note(_sealed_sentence(sealed))
        return 0
    sealers.refuse_unused(path)
    result = edit_file(
        session,
        path,
        edit,
        ask,
        input_type=input_type,
        accept_recipients=accept_recipients,
        for_others=for_others,
        allow_invalid=allow_invalid,
        recipients=recipients,
    )
    show_warnings(out, result.path, result.warnings)
    out.note(_sentence(result))
    return 0


def _given(session: Session) -> Given:
    """Return the edited text from standard input.

    Raises:
        UsageError: standard input is a terminal, or empty because the program that feeds it failed.
    """
    hint = "pipe the text in, or leave out --stdin to use your editor"
    if sys.stdin is not None and sys.stdin.isatty():
        raise UsageError("--stdin takes the edited text, and standard input is a terminal", hint=hint)
    text = read_stdin(session)
    if not text:
        raise UsageError("--stdin takes the edited text, and standard input is empty", hint=hint)
    return Given(text)


def _editor(session: Session) -> Edit:
    """Return what runs the user's editor."""
    editor = find_editor(session.environ)

    def edit(file: Path) -> None:
        run_editor(editor, file, session.environ)

    return edit


def _sealed_sentence(result: SealedEditResult) -> str:
    if result.outcome is EditOutcome.UNCHANGED:
        return f"{result.path}: nothing changed"
    noun = "value" if result.sealed == 1 else "values"
    return f"{result.path}: {result.outcome}, {result.sealed} {noun} sealed, {result.kept} unchanged"


def _sentence(result: EditResult) -> str:
    if result.outcome is EditOutcome.UNCHANGED:
        return f"{result.path}: nothing changed"
    noun = "value" if result.values == 1 else "values"
    return f"{result.path}: {result.outcome}, {result.values} {noun} encrypted"
