"""What holds for the drop-in as a whole: version, help, what is not carried, filestatus."""

import os
import subprocess
import sysconfig
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from fluxsecrets.cli.dropin import codes
from fluxsecrets.cli.dropin.commands import COMMANDS, GROUPS

PROJECT = Path(__file__).parents[3]


def test_it_is_installed_as_fluxsecrets_sops():
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["fluxsecrets-sops"].partition(":")
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("command", [*COMMANDS.values(), *GROUPS.values()])
def test_every_command_has_its_function(command):
    if command is COMMANDS["groups"]:
        return
    module, _, function = command.run.partition(":")
    assert callable(getattr(import_module(f"fluxsecrets.cli.dropin.{module}"), function))


def test_the_version_reads_like_that_of_sops(sops, monkeypatch):
    assert sops("--version", "--disable-version-check").out == b"sops 3.13.2\n"
    assert sops("--version").out.splitlines()[0] == b"sops 3.13.2"
    assert b"fluxsecrets-sops" in sops("-v").out
    monkeypatch.setenv("SOPS_DISABLE_VERSION_CHECK", "true")
    assert sops("-v").out == b"sops 3.13.2\n"


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("help",), ("h",), ("help", "nonsense")])
def test_help_lists_the_commands(sops, arguments):
    done = sops(*arguments)
    assert done.code == 0
    assert all(name in done.out.decode() for name in COMMANDS)


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.flags])
def test_every_command_has_help(sops, name):
    done = sops(name, "--help")
    assert done.code == 0
    assert sops("help", name).out == done.out
    for flag in COMMANDS[name].flags:
        assert f"--{flag.name}" in done.out.decode()


def test_groups_alone_lists_its_commands(sops):
    assert b"delete" in sops("groups").out
    assert b"--file" in sops("groups", "add", "--help").out


@pytest.mark.parametrize("name", ["completion"])
def test_what_is_not_carried_says_so(sops, name):
    done = sops(name, "--whatever", "x")
    assert done.code == 1
    assert f"{name} is not carried" in done.err


def test_a_local_key_service_is_what_is_there_anyway(folder, sops):
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "--enable-local-keyservice=true", "f.yaml").code == 0
    assert sops("--verbose", "encrypt", "f.yaml").code == 0


def test_filestatus_needs_no_key(folder, sops, act_as):
    folder.write("plain.yaml", "a: throwaway\n")
    assert sops("encrypt", "--output", "enc.yaml", "plain.yaml").code == 0
    act_as("bob")
    assert sops("filestatus", "enc.yaml").out == b'{"encrypted":true}\n'
    assert sops("filestatus", "plain.yaml").out == b'{"encrypted":false}\n'
    assert sops("filestatus", "nowhere.yaml").code == 1
    assert sops("filestatus").code == 100


def test_several_modes_at_once_are_warned_of_and_the_last_counts(folder, sops):
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("-e", "-i", "f.yaml").code == 0
    done = sops("-e", "-d", "f.yaml")
    assert (done.code, done.out) == (0, b"a: throwaway\n")
    assert "only --decrypt counts" in done.err


def test_an_unexpected_error_shows_no_traceback(folder, sops, monkeypatch):
    def fail(*_arguments, **_options):
        raise ZeroDivisionError("throwaway")

    monkeypatch.setattr("fluxsecrets.cli.dropin.filestatus.run", fail)
    done = sops("filestatus", "f")
    assert done.code == codes.GENERIC
    assert "ZeroDivisionError" in done.err
    assert "throwaway" not in done.err


def test_config_is_taken_from_flag_and_variable(folder, sops, monkeypatch):
    folder.write("f.yaml", "a: throwaway\n")
    (folder.path / ".sops.yaml").rename(folder.path / "rules")
    assert sops("encrypt", "f.yaml").code == 1
    assert sops("--config", "rules", "encrypt", "f.yaml").code == 0
    monkeypatch.setenv("SOPS_CONFIG", "rules")
    assert sops("encrypt", "f.yaml").code == 0


@pytest.mark.skipif(os.name == "nt", reason="closes a stream as shells of Unix do")
def test_closed_streams(environment):
    def version(closed):
        program = Path(sysconfig.get_path("scripts"), "fluxsecrets-sops")
        command = ["sh", "-c", f'exec "{program}" --version {closed}']
        return subprocess.run(command, capture_output=True, check=False)

    done = version("1>&-")
    assert done.returncode == codes.GENERIC
    assert done.stderr.startswith(b"error: standard output is closed\n")
    assert b"fluxsecrets-sops" in version("2>&-").stdout  # only results are needed, as in sops
