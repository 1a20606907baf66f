"""`fluxsecrets edit`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

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
from fluxsecrets.cli.sealing import cert_option, private_key_option
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.edit import EditOutcome, EditResult, edit_file
from fluxsecrets.ops.files.editor import find_editor, run_editor
from fluxsecrets.ops.sealing.sealers import Sealers, is_sealed_file

if TYPE_CHECKING:  # a SOPS file needs nothing of it
    from fluxsecrets.ops.sealing.edit import SealedEditResult


@click.command("edit")
@click.argument("path", cls=PathArgument)
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
    created with the creation rule for its name.

    In a SealedSecret, changed and new values are sealed with the certificate. Placeholders stand for values
    that no private key opens, and keep them.
    """
    session, out = make_session(config), Output(quiet=quiet)
    editor = find_editor(session.environ)

    def ask(error: FluxsecretsError) -> bool | None:
        if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        out.error(error)
        return click.confirm("open the editor again?", default=True, err=True)

    def edit(file: Path) -> None:
        run_editor(editor, file, session.environ)

    if is_sealed_file(session, path):
        from fluxsecrets.ops.sealing.edit import edit_sealed

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
    )
    show_warnings(out, result.path, result.warnings)
    out.note(_sentence(result))
    return 0


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
