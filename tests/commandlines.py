"""Command lines that messages name, checked against the commands and options that there are."""

import shlex

import click

from fluxsecrets.cli.app import cli as group

PLACEHOLDER = "PLACEHOLDER"
"""Stands for what an f-string puts in."""

_WANT_ONE_WAY = {"rotate", "reseal", "seal", "convert", "recipients add", "recipients sync"}
_WAYS = {"paths", "environment", "everything", "resuming", "aborting", "fetch_cert", "raw"}


def check(text):
    """Parse a command line as it would be run.

    Raises:
        click.UsageError: there is no such command or option, or something is missing.
    """
    words = shlex.split(text)[1:]
    if words[:1] in (["--help"], ["--version"]):
        return
    command, context, names = group, click.Context(group, **group.context_settings), []
    while isinstance(command, click.Group):
        if words == ["--help"] or (
            names and command.invoke_without_command and (not words or words[0].startswith("-"))
        ):
            return
        name = words.pop(0) if words else ""
        if name == PLACEHOLDER:  # which command it is is known when it runs
            return
        found = command.get_command(context, name) if name else None
        if found is None:
            raise click.UsageError(f"there is no command {' '.join([*names, name])!r}")
        command, context = found, click.Context(found, parent=context, info_name=name)
        names.append(name)
    if words == ["--help"]:
        return
    with context:
        try:
            command.parse_args(context, words)
        except click.BadParameter as error:
            if PLACEHOLDER not in error.message:
                raise
            return
    if " ".join(names) in _WANT_ONE_WAY and not any(context.params.get(name) for name in _WAYS):
        raise click.UsageError("no path, --env or --all says what is meant")
