"""`--output`: the report of any command goes to a file, whole or not at all."""

import json
import sys
from pathlib import Path

import click
import pytest

from fluxsecrets.cli.app import cli as group


def reporting(command=group, names=()):
    """The words of every command with `--format`."""
    if any("--format" in option.opts for option in command.params):
        yield " ".join(names), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from reporting(command.get_command(context, name), (*names, name))


def test_every_command_with_formats_takes_a_file():
    without = {
        name for name, command in reporting() if not any("--output" in each.opts for each in command.params)
    }
    asking = {"resolve", "recover"}  # about what they show
    assert without == {*asking, "set", "unset", "keys remove"}  # the others report on standard error


COMMANDS = [
    ("status", "--format", "json"),
    ("explain", "apps/spicedb/overlays/staging/registry.json"),
    ("env", "show", "staging", "--format", "mermaid"),
    ("diff",),
    ("doctor",),
    ("rules", "show", "plain-secret"),
    ("rotate", "--all", "--dry-run"),
    ("version",),
]


def test_the_file_has_what_would_be_shown(waddle, cli, tmp_path, monkeypatch):
    for number, command in enumerate(COMMANDS):
        shown = cli(*command)
        file = tmp_path / str(number)
        with monkeypatch.context() as patch:
            patch.setenv("FORCE_COLOR", "1")
            patch.delenv("NO_COLOR", raising=False)
            result = cli(*command, "-o", str(file))
        assert (result.exit_code, result.stdout) == (shown.exit_code, ""), command
        assert file.read_text(encoding="utf-8") == shown.stdout, command
        assert result.stderr.endswith(f"the report is in {file}\n")
        if sys.platform != "win32":
            assert file.stat().st_mode & 0o777 == 0o644


def test_nothing_is_written_where_the_command_fails(folder, cli):
    for command in (("explain", "missing.yaml"), ("env", "show", "nowhere"), ("rules", "show", "nothing")):
        result = cli(*command, "--output", "report.txt")
        assert (result.exit_code, result.stdout) == (2, "")
        assert not Path("report.txt").exists()


def test_a_file_of_the_repository_is_not_replaced(waddle, cli):
    before = Path("README.md").read_bytes()
    result = cli("status", "-o", "README.md")
    assert "--output 'README.md' is a file that git tracks" in result.stderr
    assert result.exit_code == 2
    assert Path("README.md").read_bytes() == before
    assert "'json' is the name of a format" in cli("status", "-o", "json").stderr


def test_what_works_in_a_group_is_written_once(folder, cli, monkeypatch):
    monkeypatch.setenv("FLUXSECRETS_LOG", str(folder.path / "log.jsonl"))
    folder.write("secret.yaml")
    assert cli("encrypt", "secret.yaml").exit_code == 0
    assert cli("log", "-o", "log.txt").exit_code == 0
    assert "encrypt" in Path("log.txt").read_text(encoding="utf-8")
    assert (
        cli("log", "-o", "group.json", "verify", "--format", "json", "-o", "verify.json", "-q").stderr == ""
    )
    assert json.loads(Path("verify.json").read_text(encoding="utf-8"))["command"] == "log verify"
    assert not Path("group.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_a_report_with_values_is_for_the_user_alone(encrypted, git, cli):
    git(encrypted.path, "init", "--quiet")
    git(encrypted.path, "add", ".")
    git(encrypted.path, "commit", "--quiet", "--message", "encrypted")
    assert cli("diff", "--show-values", "-o", "values.txt").exit_code == 0
    assert Path("values.txt").stat().st_mode & 0o777 == 0o600


def test_a_dash_is_standard_output(environment, cli):
    assert cli("version", "-o", "-").stdout == cli("version").stdout != ""
