"""`fluxsecrets exec-env`."""

from __future__ import annotations

import click

from fluxsecrets.cli.command import CommandAfterFile, make_command, read_encrypted, shell_option, user_option
from fluxsecrets.cli.options import input_type_option, make_session, order_option
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.exec.execute import EnvOptions, file_values, run_with_values


@click.command("exec-env", cls=CommandAfterFile, options_metavar="[OPTIONS]")
@click.argument("file", metavar="FILE")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
@click.option("--pristine", is_flag=True, help="Give it the values alone, without your own environment.")
@click.option("--same-process", is_flag=True, help="Replace fluxsecrets by the command instead of waiting.")
@click.option(
    "--allow-variable",
    "allowed",
    multiple=True,
    metavar="NAME",
    help="Let FILE set a variable that decides which code runs, such as PATH. Repeatable.",
)
@shell_option
@user_option
@input_type_option
@order_option
def command(
    *,
    file: str,
    arguments: tuple[str, ...],
    pristine: bool,
    same_process: bool,
    allowed: tuple[str, ...],
    shell: bool,
    user: str | None,
    input_type: str | None,
) -> int:
    """Run a command with the values of FILE in its environment.

    The keys of FILE's first document are the names; of a Kubernetes Secret it is those of data, decoded, and
    stringData. Other values must not be maps or lists. The MAC is checked first. Variables that decide which
    code runs (PATH, LD_PRELOAD, NODE_OPTIONS, GIT_SSH and such) are refused unless you allow them by name,
    here or in FLUXSECRETS_ALLOW_VARIABLES. The exit code is the command's, 128+N where signal N ended it, 127
    where there is no such command.
    """
    session = make_session()
    wanted = make_command(arguments, shell=shell, user=user)
    given = read_encrypted(session, file, input_type)
    try:
        values = file_values(session, given.data, given.format, allowed)
    except FluxsecretsError as error:
        raise error.in_file(given.shown) from None
    return run_with_values(session, wanted, values, EnvOptions(pristine, same_process))
