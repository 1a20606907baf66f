"""Commands and options that messages tell to run exist in this version."""

import ast
import re
from pathlib import Path

import click
import pytest

from fluxsecrets.cli.app import COMMANDS
from fluxsecrets.cli.app import cli as group

SOURCE = Path(__file__).parents[2] / "src" / "fluxsecrets"


def texts():
    """Every text in the source that is no docstring, with its place."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node.value


def test_commands_in_messages_exist():
    found = [
        (place, match[1], match[2])
        for place, text in texts()
        for match in re.finditer(r"`fluxsecrets ([a-z]+(?:-[a-z]+)*)([^`{]*)", text)
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
