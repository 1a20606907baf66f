"""What the options of the commands say of themselves."""

from dataclasses import dataclass

import click
import pytest

from fluxsecrets.cli.app import cli as group
from fluxsecrets.cli.options import (
    LoggedArgument,
    LoggedOption,
    PathArgument,
    ValueArgument,
    make_session,
    takes,
)
from fluxsecrets.ops.run.logged import Call, Logged

MARKED = (LoggedArgument, LoggedOption, PathArgument, ValueArgument)
EVERYWHERE = {"paths", "path", "file", "environment", "key", "name", "filename", "output"}
"""Names of parameters that the log shows in every command."""


def commands(command=group, names=()):
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            yield from commands(command.get_command(click.Context(command), name), (*names, name))
    else:
        yield " ".join(names), command


LOGGED = [(name, command) for name, command in commands() if Call("", name).is_logged]


def test_the_log_shows_what_the_declarations_say():
    shown = {
        f"{name} {each.name}"
        for name, command in LOGGED
        for each in command.params
        if isinstance(each, MARKED) and not isinstance(each, ValueArgument) and each.name not in EVERYWHERE
    }
    assert shown == {
        "init readers",
        "init identity",
        "render names",
        "set spec",
        "propose spec",
        "propose kustomization",
        "extract keys",
        "extract secret",
        "extract to",
        "resolve ours",
        "resolve theirs",
        "resolve base",
        "keys cluster-secret identity",
    }
    unmarked = {each.name for _, command in LOGGED for each in command.params if not isinstance(each, MARKED)}
    assert not unmarked & EVERYWHERE


def test_only_values_and_commands_may_hold_a_private_key():
    values = {f"{name} {each.name}" for name, command in commands() for each in command.params
              if isinstance(each, ValueArgument)}  # fmt: skip
    assert values == {"set value", "exec-env arguments", "exec-file arguments"}


@pytest.mark.parametrize(
    ("declared", "arguments", "paths", "details"),
    [
        (click.option("--token"), ["--token", "hunter2"], (), {}),
        (click.option("--token", cls=LoggedOption), ["--token", "seen"], (), {"token": "seen"}),
        (click.argument("key"), ["hunter2"], (), {}),
        (click.argument("key", cls=LoggedArgument), ["a.b"], (), {"key": "a.b"}),
        (click.argument("key", cls=ValueArgument), ["hunter2"], (), {}),
        (click.argument("files", cls=PathArgument, nargs=-1), ["a", "b"], ("a", "b"), {}),
        (click.option("--dry-run", is_flag=True), ["--dry-run"], (), {"switches": ["dry-run"]}),
        (click.option("--dry-run", is_flag=True), [], (), {}),
    ],
)
def test_an_option_is_logged_only_where_its_declaration_says_so(
    declared, arguments, paths, details, tmp_path, monkeypatch
):
    started = []
    monkeypatch.setattr(Logged, "start", lambda _self, call, *_: started.append(call))

    @click.command("new")
    @declared
    def new(**_given):
        make_session()

    new.main(arguments, standalone_mode=False, obj=Logged())
    assert [(call.paths, call.details) for call in started] == [(paths, details)]


@dataclass(frozen=True)
class Wanted:
    paths: tuple
    dry_run: bool
    unknown: str = "default"


@dataclass(frozen=True)
class Key:
    key: str


def test_parameters_become_dataclasses_and_the_others_follow_by_name():
    seen = []

    @takes(Wanted, Key)
    def run(wanted, key, *, quiet):
        """Help."""
        seen.append((wanted, key, quiet))
        return 1

    assert run(quiet=True, key="a", dry_run=False, paths=("x",)) == 1
    assert seen == [(Wanted(("x",), False), Key("a"), True)]
    assert run.__doc__ == "Help."
    with pytest.raises(TypeError):
        run(quiet=True, key="a", dry_run=False, paths=(), other=1)
