"""Help: the commands in groups, at 80 columns."""

import re
from pathlib import Path

import click

import commandlines
from fluxsecrets.cli.app import cli as group
from fluxsecrets.cli.commands import COMMANDS, GROUPS, RUN_BY_GIT
from fluxsecrets.cli.examples import DOCUMENTATION, SHOWN
from tables import each_row

PROJECT = Path(__file__).parents[2]
_ONE_WORD = re.compile(r" *(-\S+ )?\S+")
"""What can't be broken, such as an option with its choices."""


def test_the_commands_are_listed_once_each_in_their_groups(cli):
    text = cli("--help").stdout
    assert re.findall(r"(?m)^(\S.*):$", text) == ["Options", *GROUPS, "Examples"]
    listed = re.findall(r"(?m)^  ([a-z][a-z-]*) ", text.partition("Examples:")[0])
    assert listed == [name for name in COMMANDS if name not in RUN_BY_GIT]


def all_commands(command=group, context=None, names=()):
    context = context or click.Context(group, info_name="fluxsecrets", **group.context_settings)
    yield " ".join(names), command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            yield from all_commands(
                found, found.context_class(found, parent=context, info_name=name), (*names, name)
            )


def test_every_command_has_two_examples_and_a_page():
    assert SHOWN.keys() == {name for name, _, _ in all_commands()}
    for name, shown in SHOWN.items():
        assert len(shown.examples) == 2, name
        for what, command in shown.examples:
            assert len(f"  # {what}") <= 80, what
            assert what[-1] not in ".:", what
            commandlines.check(command)


@each_row("page", sorted({shown.page for shown in SHOWN.values()}))
def test_the_page_that_help_names_is_there(page):
    file, _, anchor = page.partition("#")
    text = (PROJECT / DOCUMENTATION / file).read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"(?m)^#+ (.*)$", text)
    }
    assert not anchor or anchor in anchors


def test_help_fits_on_a_terminal_of_80_columns():
    for name, command, context in all_commands():
        context.terminal_width = context.max_content_width = 80
        page = context.get_help() if name else command.get_help(context)
        lines = [line for line in page.splitlines() if not line.startswith("  fluxsecrets ")]
        assert not [line for line in lines if len(line) > 80 and not _ONE_WORD.fullmatch(line)], name
        assert not re.search(r"(?m)\w\.\.\.$", page), f"{name}: click cut a line off"


def test_help_of_a_command_is_what_the_option_shows(cli):
    for words in ((), ("decrypt",), ("recipients", "add")):
        assert cli("help", *words).stdout == cli(*words, "--help").stdout == cli(*words, "-h").stdout
    assert cli("help", "decrypt").stdout.endswith(
        "Documentation: docs/tutorials/first-environment.md#8-change-a-value\n"
    )


def test_help_says_what_is_wrong(cli):
    assert "did you mean `fluxsecrets decrypt`" in cli("help", "decrpt").stderr
    nothing_below = cli("help", "decrypt", "file")
    assert nothing_below.exit_code == 2
    assert nothing_below.stderr.startswith("error: 'fluxsecrets decrypt' has no subcommands\n")
