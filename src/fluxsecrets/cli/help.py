"""`fluxsecrets help`."""

from __future__ import annotations

import click

from fluxsecrets.errors import UsageError


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def command(context: click.Context, *, words: tuple[str, ...]) -> int:
    """Show the help of a command, as `--help` behind it does; without COMMAND, that of the program."""
    current = context.find_root()
    for word in words:
        group = current.command
        if not isinstance(group, click.Group):
            raise UsageError(
                f"{current.command_path!a} has no subcommands", hint=f"see `{current.command_path} --help`"
            )
        name, found, _ = group.resolve_command(current, [word])
        if found is None:  # click only looks for one that is there
            continue
        current = found.context_class(found, info_name=name, parent=current)
    click.echo(current.get_help())
    return 0
