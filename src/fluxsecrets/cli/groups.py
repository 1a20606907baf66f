"""Groups of commands that say what a mistyped command was probably meant to be."""

from __future__ import annotations

from typing import Any

import click


class SuggestingGroup(click.Group):
    """A group that knows the words of other tools."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command.

        Raises:
            UsageError: there is no such command.
        """
        name = args[0]
        commands = self.list_commands(ctx)
        if name not in commands and not name.startswith("-"):
            from .usage import no_such_command  # only when something is wrong

            raise no_such_command(name, ctx, commands)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand.

        Raises:
            UsageError: the command line is wrong; it names the subcommand, even if click's parser did not.
        """
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            name = ctx.invoked_subcommand
            command = self.get_command(ctx, name) if error.ctx is None and name is not None else None
            if command is not None:
                error.ctx = click.Context(command, parent=ctx, info_name=name)
            raise
