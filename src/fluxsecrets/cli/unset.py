"""`fluxsecrets unset`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.content import refuse_folder
from fluxsecrets.cli.options import config_option, input_type_option, make_session, order_option, quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.set import show_change
from fluxsecrets.cli.values import accept_option, document_option
from fluxsecrets.ops.files.values import ValueOptions, unset_value
from fluxsecrets.ops.run.targets import select


@click.command("unset")
@click.argument("path")
@click.argument("key")
@document_option
@accept_option
@input_type_option
@order_option
@config_option
@quiet_option
def command(
    *,
    path: str,
    key: str,
    document: int | None,
    accept_recipients: bool,
    input_type: str | None,
    config: Path | None,
    quiet: bool,
) -> int:
    """Remove one key or list item of an encrypted file.

    KEY is as for `get`. The comments right above it go as well; everything else stays as it is, and all
    other values keep their ciphertext.
    """
    session, out = make_session(config), Output(quiet=quiet)
    refuse_folder(session, path)
    target = select(session, [path], input_type=input_type).targets[0]
    options = ValueOptions(document, accept_recipients=accept_recipients)
    show_change(out, unset_value(session, target, key, options))
    return 0
