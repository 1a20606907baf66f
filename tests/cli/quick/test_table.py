"""The table of common forms says of each command what click's declarations say."""

import click
import pytest

from fluxsecrets.cli.app import cli as group
from fluxsecrets.cli.options import LoggedArgument, LoggedOption, PathArgument, ValueArgument
from fluxsecrets.cli.quick.table import (
    COMMAND,
    FORMS,
    HIDDEN,
    MANY,
    NUMBER,
    ONE,
    OPTIONAL,
    PATH,
    SECRET,
    SHOWN,
    SWITCH,
    TEXT,
    TEXTS,
)


def declared(name):
    """The parameters that click has for a command, by name, in order."""
    command = group.get_command(click.Context(group), name)
    return {each.name: each for each in command.params}


def role(parameter):
    if isinstance(parameter, ValueArgument):
        return SECRET
    if isinstance(parameter, PathArgument):
        return PATH
    return SHOWN if isinstance(parameter, LoggedOption | LoggedArgument) else HIDDEN


@pytest.mark.parametrize("name", FORMS)
def test_arguments_are_those_of_click(name):
    arguments = [each for each in declared(name).values() if isinstance(each, click.Argument)]
    assert [each.name for each in arguments] == [each.name for each in FORMS[name].arguments]
    for each, ours in zip(arguments, FORMS[name].arguments, strict=True):
        assert ours.role == role(each)
        takes = (MANY, COMMAND) if each.nargs == -1 else (ONE,) if each.required else (OPTIONAL,)
        assert ours.takes in takes


@pytest.mark.parametrize("name", FORMS)
def test_options_are_those_of_click_in_its_order(name):
    known = declared(name)
    names = [each.name for each in FORMS[name].options]
    assert names == [each for each in known if each in names]
    for ours in FORMS[name].options:
        option = known[ours.name]
        assert ours.forms == tuple(option.opts)
        assert not option.secondary_opts
        assert ours.role == role(option)
        assert option.envvar is None
        assert option.callback is None
        assert option.expose_value
        assert (ours.takes == SWITCH) == option.is_flag
        assert (ours.takes == TEXTS) == option.multiple
        assert (ours.takes == NUMBER) == isinstance(option.type, click.IntRange)
        if isinstance(option.type, click.Choice):
            assert ours.choices == tuple(option.type.choices)
            assert option.type.case_sensitive
        elif ours.takes in (TEXT, TEXTS):
            assert ours.choices == ()
            assert option.type is click.STRING


@pytest.mark.parametrize("name", FORMS)
def test_variables_are_those_of_click(name):
    variables = {each.envvar for each in declared(name).values() if each.envvar is not None}
    assert set(FORMS[name].variables) == variables
    assert group.context_settings.get("auto_envvar_prefix") is None
