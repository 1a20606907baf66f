"""`fluxsecrets edit`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fluxsecrets.cli.options import (
    PathArgument,
    accept_option,
    config_option,
    for_others_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
)
from fluxsecrets.cli.output import (
    Output,
    show_warnings,
)
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.edit import EditOutcome, EditResult, edit_file
from fluxsecrets.ops.files.editor import find_editor, run_editor


@click.command("edit")
@click.argument("path", cls=PathArgument)
@accept_option
@for_others_option
@input_type_option
@order_option
@config_option
@quiet_option
def command(
    *,
    path: str,
    accept_recipients: bool,
    for_others: bool,
    input_type: str | None,
    config: Path | None,
    quiet: bool,
) -> int:
    """Edit an encrypted file, or create one.

    Opens the plain text in $SOPS_EDITOR, $EDITOR, vim, nano or vi. Unchanged values keep their ciphertext.
    Text that can't be encrypted is opened again, with the problem on top. A file that does not exist is
    created with the creation rule for its name.
    """
    session, out = make_session(config), Output(quiet=quiet)
    editor = find_editor(session.environ)

    def ask(error: FluxsecretsError) -> bool | None:
        if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        out.error(error)
        return click.confirm("open the editor again?", default=True, err=True)

    result = edit_file(
        session,
        path,
        lambda file: run_editor(editor, file, session.environ),
        ask,
        input_type=input_type,
        accept_recipients=accept_recipients,
        for_others=for_others,
    )
    show_warnings(out, result.path, result.warnings)
    out.note(_sentence(result))
    return 0


def _sentence(result: EditResult) -> str:
    if result.outcome is EditOutcome.UNCHANGED:
        return f"{result.path}: nothing changed"
    noun = "value" if result.values == 1 else "values"
    return f"{result.path}: {result.outcome}, {result.values} {noun} encrypted"
