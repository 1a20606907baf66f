"""What every command line has: help with examples, and a report that may go to a file."""

from __future__ import annotations

import copy
from typing import Any

import click

from .keptreport import kept_report


class CommandContext(click.Context):
    """The context of a command, and of each group of commands."""

    def invoke(self, callback: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Run a command; a report for a file is written if the command made it."""
        result = super().invoke(callback, *args, **kwargs)
        kept = kept_report()
        if kept is not None and callback is self.command.callback and self.invoked_subcommand is None:
            from .reportfile import write_kept

            write_kept(
                kept, quiet=bool(self.params.get("quiet")), secret=bool(self.params.get("show_values"))
            )
        return result

    def get_help(self) -> str:
        """Return the help page."""
        from .examples import DOCUMENTATION, SHOWN  # only when somebody asks

        page = super().get_help()
        shown = SHOWN.get(words_of(self))
        if shown is None:
            return page
        lines = [page, "", "Examples:"]
        for what, command in shown.examples:
            lines += [f"  # {what}", f"  {command}"]
        return "\n".join([*lines, "", f"Documentation: {DOCUMENTATION}{shown.page}"])


def in_context(command: click.Command) -> click.Command:
    """Return a command, and what is below it, with contexts of this kind. The given one stays as it is."""
    made = copy.copy(command)
    made.context_class = CommandContext
    if isinstance(made, click.Group):
        made.commands = {name: in_context(each) for name, each in made.commands.items()}
    return made


def words_of(context: click.Context) -> str:
    """Return the words that name a command, without the program, such as `recipients add`."""
    names: list[str] = []
    current = context
    while current.parent is not None:
        names.append(current.info_name or "")
        current = current.parent
    return " ".join(reversed(names))
