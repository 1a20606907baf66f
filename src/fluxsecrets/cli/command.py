"""What `exec-env` and `exec-file` share: FILE, the command behind it, and how it is run."""

from __future__ import annotations

import click

from fluxsecrets.cli.content import Input, read_input
from fluxsecrets.cli.options import Decorator
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.exec.child import Command, find_user
from fluxsecrets.ops.run.session import Session

shell_option: Decorator = click.option(
    "--shell", is_flag=True, help="Run the command, which is one text, through the shell."
)
user_option: Decorator = click.option("--user", metavar="NAME", help="Run it as this user; needs root.")


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


def make_command(arguments: tuple[str, ...], *, shell: bool, user: str | None) -> Command:
    """The command that was asked for.

    Raises:
        UsageError: there is none, or the user is not there.
    """
    if arguments[:1] == ("--",):
        arguments = arguments[1:]
    return Command(arguments, shell, find_user(user) if user is not None else None)


def read_encrypted(session: Session, file: str, input_type: str | None) -> Input:
    """Read FILE.

    Raises:
        UsageError: it is `-`: the command needs standard input for itself.
        FileAccessError: it cannot be read.
    """
    if file == "-":
        raise UsageError("standard input belongs to the command", hint="name a file")
    return read_input(session, file, None, input_type)
