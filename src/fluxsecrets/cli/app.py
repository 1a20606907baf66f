"""The group of commands."""

from __future__ import annotations

import importlib

import click

from fluxsecrets import __version__

from .commands import COMMANDS, GROUPS, RUN_BY_GIT
from .context import CommandContext, in_context
from .groups import SuggestingGroup


class LazyGroup(SuggestingGroup):
    """A group whose commands are imported when they are used."""

    context_class = CommandContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"fluxsecrets.cli.{module}"), name or "command")
        assert isinstance(command, click.Command)  # noqa: S101 - the table says so
        return in_context(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by group, without importing them."""
        listed = COMMANDS.keys() - RUN_BY_GIT
        width = max(map(len, listed))  # the same in every group, so that all lines start in one column
        for heading, group in GROUPS.items():
            with formatter.section(heading):
                rows = [(name.ljust(width), text) for name, (_, text) in group.items() if name in listed]
                formatter.write_dl(rows)


PROGRAM = "fluxsecrets"


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 clean, 1 findings, or a change that --check saw, 2 an error.",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback where an error occurs.")
@click.option("--no-agent", is_flag=True, expose_value=False, help="Do not ask a running agent.")
def cli(debug: bool) -> None:
    """Look after every secret in a Flux repository.

    Encrypted for the right people, in files that Flux and sops read as they are.
    """
