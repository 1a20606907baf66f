"""`fluxsecrets exec-file`."""

from __future__ import annotations

from pathlib import PurePath

import click

from fluxsecrets.cli.command import CommandAfterFile, make_command, read_encrypted, shell_option, user_option
from fluxsecrets.cli.options import FORMAT_NAMES, input_type_option, make_session, order_option, quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.ops.exec.execute import PLACEHOLDER, run_with_file
from fluxsecrets.ops.exec.fifo import has_fifos
from fluxsecrets.ops.files.decrypt import decrypt_content


@click.command("exec-file", cls=CommandAfterFile)
@click.argument("file", metavar="FILE")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
@click.option("--no-fifo", is_flag=True, help="A file in memory rather than a named pipe.")
@click.option("--filename", metavar="NAME", help="The name that the command sees; FILE's own unless told.")
@click.option("--output-type", type=click.Choice(FORMAT_NAMES), help="Hand it over in this format.")
@shell_option
@user_option
@input_type_option
@order_option
@quiet_option
def command(
    *,
    file: str,
    arguments: tuple[str, ...],
    no_fifo: bool,
    filename: str | None,
    output_type: str | None,
    shell: bool,
    user: str | None,
    input_type: str | None,
    quiet: bool,
) -> int:
    """Run a command that reads FILE decrypted, by a path that {} stands for.

    The path is a named pipe, so that nothing is written anywhere; programs that jump about in the file need
    --no-fifo, which gives them a file in a private folder, in memory where the system has one. Either is
    deleted when the command ends. The MAC is checked first. The exit code is the command's, 128+N where
    signal N ended it, 127 where there is no such command.
    """
    session, out = make_session(), Output(quiet=quiet)
    wanted = make_command(arguments, shell=shell, user=user)
    if not any(PLACEHOLDER in argument for argument in wanted.arguments):
        raise UsageError(
            "the command has no {} in it, which stands for the file's path",
            hint="such as: fluxsecrets exec-file FILE -- kubectl apply -f {}",
        )
    given = read_encrypted(session, file, input_type)
    try:
        content = decrypt_content(session, given.data, given.format, output_type=output_type)
    except FluxsecretsError as error:
        raise error.in_file(given.shown) from None
    for warning in content.warnings:
        out.warning(f"warning: {given.shown}: {warning}")
    if not no_fifo and not has_fifos():
        out.warning("warning: this system has no named pipes: the command gets a temporary file")
    name = filename if filename is not None else PurePath(given.path).name
    return run_with_file(session, wanted, content.data, name, fifo=not no_fifo)
