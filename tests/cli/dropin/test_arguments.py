"""Command lines are taken apart as Go's `flag` package and urfave/cli v1 do it."""

import pytest

from fluxsecrets.cli.dropin.arguments import parse
from fluxsecrets.cli.dropin.codes import exit_code_of
from fluxsecrets.cli.dropin.commands import APP_FLAGS, COMMANDS, GROUPS
from fluxsecrets.cli.dropin.flags import FLAGS
from fluxsecrets.errors import UsageError


def read(*arguments, command=None, environ=None):
    flags = APP_FLAGS if command is None else COMMANDS[command].flags
    return parse(flags, arguments, environ or {}, reorder=command is not None)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--output-type", "json", "f"),
        ("--output-type=json", "f"),
        ("-output-type", "json", "f"),
        ("-output-type=json", "f"),
        ("--output-type=json", "--", "f"),
    ],
)
def test_a_value_is_given_in_each_way_that_go_knows(arguments):
    parsed = read(*arguments)
    assert parsed.values.text("output-type") == "json"
    assert parsed.arguments == ("f",)


def test_short_forms_and_switches():
    parsed = read("-d", "-i=false", "--ignore-mac", "-a", "age1x", "f")
    assert parsed.values.on("decrypt")
    assert not parsed.values.on("in-place")
    assert parsed.values.on("ignore-mac")
    assert parsed.values.text("age") == "age1x"


def test_the_last_of_a_flag_counts_and_lists_grow():
    parsed = read("--extract", "a", "--extract", "b", "--keyservice", "x", "--keyservice", "y")
    assert parsed.values.text("extract") == "b"
    assert parsed.values.many("keyservice") == ("x", "y")


def test_without_a_subcommand_flags_end_with_the_first_argument():
    assert read("-d", "f", "--extract", "a").arguments == ("f", "--extract", "a")
    assert read("-").arguments == ("-",)


def test_flags_of_a_subcommand_may_stand_behind_its_arguments():
    parsed = read("f", "--output-type", "json", command="decrypt")
    assert parsed.arguments == ("f",)
    assert parsed.values.text("output-type") == "json"


def test_a_switch_takes_the_argument_behind_it_along_as_in_urfave():
    parsed = read("-i", "f", "--output-type", "json", command="decrypt")
    assert parsed.arguments == ("f", "--output-type", "json")


def test_what_is_no_flag_of_a_subcommand_stays_an_argument_behind_the_file():
    assert read("f", "--nope", command="decrypt").arguments == ("f", "--nope")
    assert read("--", "-i", command="decrypt").arguments == ("-i",)


def test_variables_stand_in_for_flags():
    environ = {"SOPS_AGE_RECIPIENTS": "age1x", "SOPS_DISABLE_VERSION_CHECK": "1", "SOPS_KEYSERVICE": "a, b"}
    values = read(environ=environ).values
    assert values.text("age") == "age1x"
    assert values.on("disable-version-check")
    assert values.many("keyservice") == ("a", "b")
    assert read("--age", "age1y", environ=environ).values.text("age") == "age1y"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nope",),
        ("-di",),
        ("---d",),
        ("--=x",),
        ("--extract",),
        ("-i=perhaps",),
        ("--indent", "two"),
        ("-a", "x", "--age", "y"),
    ],
)
def test_a_wrong_command_line_has_the_generic_exit_code(arguments):
    with pytest.raises(UsageError) as caught:
        read(*arguments)
    assert exit_code_of(caught.value) == 1
    assert caught.value.hint


def test_a_variable_that_is_no_boolean_is_an_error():
    with pytest.raises(UsageError, match="SOPS_DISABLE_VERSION_CHECK"):
        read(environ={"SOPS_DISABLE_VERSION_CHECK": "perhaps"})


def test_every_flag_belongs_somewhere():
    used = {flag.name for command in (*COMMANDS.values(), *GROUPS.values()) for flag in command.flags}
    assert used | {flag.name for flag in APP_FLAGS} == set(FLAGS)


def test_no_command_has_two_flags_of_one_name():
    for flags in (APP_FLAGS, *(command.flags for command in (*COMMANDS.values(), *GROUPS.values()))):
        names = [name for flag in flags for name in flag.names]
        assert len(names) == len(set(names))
