"""Groups of commands that say what a mistyped command was probably meant to be."""

from __future__ import annotations

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
