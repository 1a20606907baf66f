"""`fluxsecrets exec-env` and `fluxsecrets exec-file`: FILE, the command behind it, and how it is run."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import click

from fluxsecrets.cli.options import (
    FORMAT_NAMES,
    Decorator,
    LoggedOption,
    PathArgument,
    ValueArgument,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
    shell_option,
)
from fluxsecrets.cli.output import Output, show_warnings
from fluxsecrets.cli.runs.execenv import ExecRequest, make_command, read_encrypted
from fluxsecrets.cli.runs.execenv import exec_env as run_exec_env
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.exec.execute import PLACEHOLDER, run_with_file

user_option: Decorator = click.option(
    "--user", metavar="NAME", help="Run the command as this user; needs root."
)


class CommandAfterFile(click.Command):
    """`[OPTIONS] FILE [OPTIONS] -- COMMAND…`; without `--` the command starts right behind FILE.

    Its own options are never taken for ours.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find out where the command starts, then parse what is before it."""
        ctx.allow_interspersed_args = "--" in args and self._only_file(ctx, args[: args.index("--")])
        return super().parse_args(ctx, args)

    def _only_file(self, ctx: click.Context, head: list[str]) -> bool:
        ctx.allow_interspersed_args = True
        try:
            values, _, _ = self.make_parser(ctx).parse_args(list(head))
        except click.UsageError:
            return False
        found = values.get("arguments")
        return not isinstance(found, tuple) or not found


@click.command("exec-env", cls=CommandAfterFile, options_metavar="[OPTIONS]")
@click.argument("file", cls=PathArgument, metavar="FILE")
@click.argument(
    "arguments", cls=ValueArgument, nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]..."
)
@click.option("--pristine", is_flag=True, help="Pass only the values, not your own environment.")
@click.option("--same-process", is_flag=True, help="Replace fluxsecrets with the command instead of waiting.")
@click.option(
    "--allow-variable",
    "allowed",
    multiple=True,
    metavar="NAME",
    help="Let FILE set a variable that decides which code runs, such as PATH; repeatable.",
)
@shell_option
@user_option
@input_type_option
@order_option
def exec_env(**values: Any) -> int:
    """Run a command with the values of FILE in its environment.

    The keys of FILE's first document are the names; in a Kubernetes Secret, the keys of stringData, and of
    data, decoded. Other values must not be maps or lists. The MAC is checked first. Variables that decide
    which code runs (PATH, LD_PRELOAD, NODE_OPTIONS, GIT_SSH and the like) are refused unless you allow them
    by name, here or in FLUXSECRETS_ALLOW_VARIABLES. The exit code is the command's, 128+N if signal N ended
    it, 127 if the command does not exist.
    """
    return run_exec_env(make_session, ExecRequest(**values))


@click.command("exec-file", cls=CommandAfterFile)
@click.argument("file", cls=PathArgument, metavar="FILE")
@click.argument(
    "arguments", cls=ValueArgument, nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]..."
)
@click.option("--no-fifo", is_flag=True, help="Use a file in memory instead of a named pipe.")
@click.option(
    "--filename",
    cls=LoggedOption,
    metavar="NAME",
    help="The file name that the command sees; default: FILE's own.",
)
@click.option("--output-type", type=click.Choice(FORMAT_NAMES), help="Format of the plain text.")
@shell_option
@user_option
@input_type_option
@order_option
@quiet_option
def exec_file(
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
    """Run a command that reads the decrypted FILE from the path in place of {}.

    The path is a named pipe, so that nothing is written to disk. Programs that seek in the file need
    --no-fifo: a file in a private folder, in memory if the system has one. Both are deleted when the
    command ends. The MAC is checked first. The exit code is the command's, 128+N if signal N ended it, 127
    if the command does not exist.
    """
    from fluxsecrets.ops.files.decrypt import decrypt_given

    session, out = make_session(), Output(quiet=quiet)
    wanted = make_command(arguments, shell=shell, user=user)
    if not any(PLACEHOLDER in argument for argument in wanted.arguments):
        raise UsageError(
            "the command has no {}, the placeholder for the file's path",
            hint="for example: fluxsecrets exec-file FILE -- kubectl apply --server-side -f {}",
        )
    given = read_encrypted(session, file, input_type)
    content = decrypt_given(session, given, output_type=output_type)
    show_warnings(out, given.target.shown, content.warnings)
    name = filename if filename is not None else PurePath(given.target.path).name
    return run_with_file(session, wanted, content.data, name, fifo=not no_fifo)
