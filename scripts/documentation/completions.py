"""The table that shells complete from: commands, options, and the kinds of their values."""

import json
from collections.abc import Iterator

import click

from fluxsecrets.cli.app import cli
from fluxsecrets.cli.commands import COMMANDS, RUN_BY_GIT
from fluxsecrets.ops.checks.rules import known_rules

_TABLE = "../src/fluxsecrets/cli/completion/table.json"

_ENCRYPTED = (
    *("decrypt", "edit", "get", "set", "unset", "rotate", "exec-env", "exec-file"),
    *("resolve", "fold", "textconv", "diff"),
)
_ARGUMENTS = {
    **{f"{name} {argument}": "encrypted" for name in _ENCRYPTED for argument in ("path", "paths", "file")},
    **{f"{name} key": "key" for name in ("get", "set", "unset", "propose")},
    "extract keys": "extractable",
    "encrypt paths": "plain",
    "seal paths": "plain",
    "unseal paths": "sealed",
    "reseal paths": "sealed",
    "recipients add who": "public-key",
    "recipients remove who": "person",
    "recipients report who": "person",
    "rules show rule": "rule",
    "env show name": "environment",
    "help words": "command",
}
"""Command and argument -> the kind of value, where the name alone does not say it."""

_FILES = frozenset({"path", "paths", "file", "words", "what"})
_OPTIONS = {"--env": "environment", "--from": "environment", "--rule": "rule", "--extract": "key"}
_FILE_METAVARS = frozenset({"FILE", "PATH", "FOLDER"})


def pages() -> dict[str, str]:
    """Return the table by its path from docs/."""
    return {_TABLE: _table()}


def _table() -> str:
    """Return the table as text: a command per line, so that branches merge."""
    rows = [f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in _rows(cli, ())]
    # Pairs, as the name of a rule with its title would look like the name of a password with its value.
    rules = [f"    {json.dumps([each.id, each.title])}" for each in known_rules()]
    return '{{\n  "commands": {{\n{}\n  }},\n  "rules": [\n{}\n  ]\n}}\n'.format(
        ",\n".join(rows), ",\n".join(rules)
    )


def _rows(command: click.Command, names: tuple[str, ...]) -> Iterator[tuple[str, dict[str, object]]]:
    context = click.Context(command)
    below = {}
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if name not in RUN_BY_GIT:
                below[name] = (found, found.get_short_help_str(200) if names else COMMANDS[name][1])
    options, helps, arguments = {}, {}, []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            kind = _argument(" ".join(names), parameter)
            arguments.append(kind if parameter.nargs == 1 or isinstance(kind, list) else f"{kind}*")
        elif not parameter.hidden:
            for option in (*parameter.opts, *parameter.secondary_opts):
                options[option] = None if parameter.is_flag or parameter.count else _value(parameter, option)
                helps[option] = (parameter.help or "").partition(". ")[0].rstrip(".")
    yield (
        " ".join(names),
        {
            "commands": {name: text.rstrip(".") for name, (_, text) in below.items()},
            "options": options,
            "help": helps,
            "arguments": arguments,
        },
    )
    for name, (found, _) in below.items():
        yield from _rows(found, (*names, name))


def _argument(command: str, argument: click.Argument) -> object:
    if isinstance(argument.type, click.Choice):
        return list(argument.type.choices)
    name = argument.name or ""
    return _ARGUMENTS.get(f"{command} {name}", "file" if name in _FILES else "nothing")


def _value(option: click.Option, name: str) -> object:
    if isinstance(option.type, click.Choice):
        return list(option.type.choices)
    if name in _OPTIONS:
        return _OPTIONS[name]
    return "file" if isinstance(option.type, click.Path) or option.metavar in _FILE_METAVARS else "nothing"
