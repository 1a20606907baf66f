"""Commands and options that messages tell to run exist in this version."""

import re

import click
import pytest

from commandlines import PLACEHOLDER
from fluxsecrets.cli.app import COMMANDS
from fluxsecrets.cli.app import cli as group
from sourcetexts import all_texts


def test_commands_in_messages_exist():
    found = [
        (each.place, match[1], match[2].partition(PLACEHOLDER)[0])
        for each in all_texts()
        if not each.is_docstring
        for match in re.finditer(r"`fluxsecrets ([a-z]+(?:-[a-z]+)*)([^`{]*)", each.text)
    ]
    assert len(found) > 5
    for place, name, rest in found:
        assert name in COMMANDS, place
        options = re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", rest)
        assert set(options) <= options_of(name, rest), place


def options_of(name, rest):
    command = group.get_command(click.Context(group), name)
    for word in rest.split():
        if isinstance(command, click.Group) and not word.startswith("-"):
            command = command.commands[word]
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command(cli, name):
    result = cli(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: fluxsecrets {name} ")
    command = group.get_command(click.Context(group), name)
    assert isinstance(command, click.Command)
    assert all(parameter.help for parameter in command.params if isinstance(parameter, click.Option))


def test_no_command_shows_the_help(cli):
    result = cli()
    assert result.exit_code == 2
    assert "Usage: fluxsecrets" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (("encrypr",), "there is no command 'encrypr'", "did you mean `fluxsecrets encrypt`?"),
        (("sing",), "there is no command 'sing'", "see `fluxsecrets --help`"),
        (("decrypt", "--nonsense"), "no such option", "see `fluxsecrets decrypt --help`"),
        (("explain",), "missing argument", "see `fluxsecrets explain --help`"),
        (("completion",), "Choose from: bash, zsh, fish\n", "see `fluxsecrets completion --help`"),
        (("a\x1b[31m",), "there is no command 'a\\x1b[31m'", "see `fluxsecrets --help`"),
    ],
)
def test_wrong_usage_is_said_like_everything_else(cli, arguments, said, hint):
    result = cli(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert said in result.stderr
    assert hint in result.stderr


def test_version(cli):
    assert re.fullmatch(r"fluxsecrets \d+\.\d+\.\d+\n", cli("--version").stdout)
