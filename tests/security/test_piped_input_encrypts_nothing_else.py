"""What is piped in without `-` is never taken for "then the whole repository"."""

import os
import socket
import subprocess

import pytest

SECRET = b"apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {p: throwaway}\n"
PLACE = "apps/spicedb/overlays/staging/piped.yaml"


@pytest.fixture
def piped(cli):
    """Runs a command in this process, with a real pipe as its standard input."""

    def piped(*arguments, data=SECRET):
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(data)
        with os.fdopen(reader, encoding="utf-8", newline="") as pipe:
            return cli(*arguments, stdin=pipe)

    return piped


@pytest.mark.parametrize("data", [SECRET, b""], ids=["a Secret", "nothing"])
@pytest.mark.parametrize(
    "options", [(), ("-i",), ("--quiet",), ("--format", "json"), ("--split-lists",)], ids=" ".join
)
def test_a_pipe_without_a_path_is_refused(waddle, piped, git, data, options):
    result = piped("encrypt", *options, data=data)
    assert result.exit_code == 2
    assert (result.stdout == "") is ("json" not in options)
    assert "standard input is a pipe or a file" in result.stderr
    assert "`fluxsecrets encrypt - --filename NAME`" in result.stderr
    assert "`fluxsecrets encrypt .`" in result.stderr
    assert git(waddle, "status", "--porcelain") == ""


def test_so_is_a_file(waddle, cli, git, tmp_path):
    (tmp_path / "piped.yaml").write_bytes(SECRET)
    with (tmp_path / "piped.yaml").open("rb") as file:
        done = subprocess.run([cli.executable, "encrypt"], stdin=file, capture_output=True, check=False)
    assert done.returncode == 2
    assert git(waddle, "status", "--porcelain") == ""


def test_what_the_hint_says_works(waddle, cli, piped, git):
    result = piped("encrypt", "-", "--filename", PLACE)
    assert result.exit_code == 0, result.stderr
    assert b"throwaway" not in result.stdout_bytes
    assert b"ENC[" in result.stdout_bytes
    assert git(waddle, "status", "--porcelain") == ""
    assert piped("encrypt", ".").exit_code == 0
    assert "18 files: 18 unchanged" in cli("encrypt").stderr


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_what_writes_nothing_does_not_mind(waddle, piped, git, option):
    result = piped("encrypt", option)
    assert "18 files: 18 would encrypt" in result.stderr
    assert git(waddle, "status", "--porcelain") == ""


def test_an_environment_that_is_named_is_meant(waddle, piped):
    assert piped("encrypt", "--env", "staging").exit_code == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such standard input")
@pytest.mark.parametrize("kind", ["null", "closed", "socket"])
def test_what_is_no_input_is_no_reason(waddle, cli, kind):
    """CI, cron and hooks start commands like this, and nobody gave any input."""
    command: list[str] = [cli.executable, "encrypt"]
    if kind == "closed":
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$0" encrypt <&-', cli.executable], capture_output=True, check=False
        )
    elif kind == "null":
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    else:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            done = subprocess.run(command, stdin=theirs, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"18 files: 18 encrypted" in done.stderr


@pytest.mark.parametrize("command", ["rotate", "reseal", "seal", "convert", "recipients sync", "decrypt -i"])
def test_what_else_writes_many_files_wants_a_path_anyway(waddle, piped, git, command):
    more = {"convert": ("--to", "sops")}.get(command, ())
    result = piped(*command.split(), *more)
    assert result.exit_code == 2
    assert "name the files" in result.stderr
    assert git(waddle, "status", "--porcelain") == ""
