"""What the agent answers is what the command says by itself, whatever it is asked."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import PROGRAMS, run, until
from conftest import EXAMPLE
from examples import scaled

LINES = (
    ("fluxsecrets", "decrypt", "secret.yaml"),
    ("fluxsecrets", "decrypt", "secret.yaml", "--output-type", "json"),
    ("fluxsecrets", "decrypt", "--extract", "stringData.password", "secret.yaml"),
    ("fluxsecrets", "decrypt", "./secret.yaml", "-q"),
    ("fluxsecrets", "get", "secret.yaml", "stringData.password"),
    ("fluxsecrets", "get", "secret.yaml", '["stringData"]', "--output-type=json"),
    ("fluxsecrets", "status", "secret.yaml"),
    ("fluxsecrets", "status", ".", "--format", "json"),
    ("fluxsecrets", "textconv", "secret.yaml"),
    ("fluxsecrets", "textconv", ".sops.yaml"),
    ("fluxsecrets-sops", "-d", "secret.yaml"),
    ("fluxsecrets-sops", "decrypt", "secret.yaml", "--output-type", "json"),
    ("fluxsecrets-sops", "--decrypt", "--extract", '["stringData"]["password"]', "secret.yaml"),
)
"""Command lines with a result."""

FAILING = (
    ("fluxsecrets", "decrypt", "missing.yaml"),
    ("fluxsecrets", "decrypt", "."),
    ("fluxsecrets", "decrypt", ".sops.yaml"),
    ("fluxsecrets", "decrypt", "changed.yaml"),
    ("fluxsecrets", "decrypt", "others.yaml"),
    ("fluxsecrets", "decrypt", "secret.yaml", "other.yaml"),
    ("fluxsecrets", "decrypt", "secret.yaml", "--output-type", "toml"),
    ("fluxsecrets", "decrypt", "--extract"),
    ("fluxsecrets", "decrypt", "--env", "staging"),
    ("fluxsecrets", "get", "secret.yaml", "stringData.nothing"),
    ("fluxsecrets", "get", "secret.yaml"),
    ("fluxsecrets", "textconv", "missing.yaml"),
    ("fluxsecrets-sops", "-d", "missing.yaml"),
    ("fluxsecrets-sops", "-d", "changed.yaml"),
    ("fluxsecrets-sops", "decrypt", "secret.yaml", "--extract", '["x"]'),
    ("fluxsecrets-sops", "-d", "--no-such-flag", "secret.yaml"),
)


BOB = (EXAMPLE / "keys" / "bob.pub").read_text().split()[-1]


@pytest.fixture
def files(encrypted, cli):
    """Files that are read, and files that can't be."""
    good = encrypted.read("secret.yaml").decode()
    encrypted.write("changed.yaml", good.replace("name: db", "name: changed"))
    encrypted.write("others.yaml")
    assert cli("encrypt", "others.yaml", "--age", BOB, "--for-others").exit_code == 0
    return encrypted


def test_results_are_the_same_and_come_from_the_agent(both, agent, files):
    before = agent.status()["answered"]
    for line in LINES:
        warm, cold = both(*line)
        assert (line, warm) == (line, cold)
        assert cold.code == 0
    until(lambda: agent.status()["answered"] == before + len(LINES))


def test_a_whole_repository(both, agent, encrypted_waddle):
    before = agent.status()["answered"]
    warm, cold = both("fluxsecrets", "status")
    assert warm == cold
    assert b"encrypted" in warm.out
    until(lambda: agent.status()["answered"] == before + 1)


def test_what_fails_says_so_itself(both, agent, files):
    before = agent.status()["answered"]
    for line in FAILING:
        warm, cold = both(*line)
        assert (line, warm) == (line, cold)
        assert cold.code != 0
        assert cold.err
    assert agent.status()["answered"] == before


words = st.sampled_from(
    [
        "secret.yaml",
        "changed.yaml",
        ".",
        "x",
        "-",
        "--",
        "-q",
        "--quiet",
        "--extract",
        "--output-type",
        "json",
        "--output-type=yaml",
        "--input-type",
        "stringData.password",
        "-i",
        "-o",
        "out",
        "--debug",
        "--no-agent",
        "--format",
        "--raw",
        "--help",
        "/dev/stdin",
        "--env",
        "é",
        "--document",
        "2",
        "--ignore-mac",
    ]
)


@settings(max_examples=scaled(15), suppress_health_check=list(HealthCheck))
@given(
    start=st.sampled_from((("fluxsecrets", "decrypt"), ("fluxsecrets", "get"), ("fluxsecrets-sops", "-d"))),
    rest=st.lists(words, max_size=4),
)
def test_any_command_line_gives_the_same(both, files, start, rest):
    def removed():
        for name in ("out", "json", "x"):
            (files.path / name).unlink(missing_ok=True)

    good = files.read("secret.yaml")
    results = []
    for variables in ({}, {"FLUXSECRETS_NO_AGENT": "1"}):
        results.append(run(*start, *rest, env=variables))
        results.append(files.files())
        removed()
        files.write("secret.yaml", good)
        for name in ("changed.yaml",):
            files.write(name, good.replace(b"name: db", b"name: changed"))
    assert results[:2] == results[2:]


SURROUNDINGS = (
    {"NO_COLOR": "1"},
    {"SOPS_AGE_KEY_FILE": "/nowhere"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONUNBUFFERED": "1"},
    {"PYTHONOPTIMIZE": "1"},
    {"PYTHONPATH": "/nowhere"},
    {"LC_ALL": "C"},
    {"TZ": "Asia/Tokyo"},
    {"HOME": "/nowhere", "XDG_CONFIG_HOME": ""},
    {"FLUXSECRETS_LOG_REQUIRED": "1"},
    {"PATH": "/nowhere"},
    {"GIT_DIR": "/nowhere"},
)


@pytest.mark.parametrize("line", [LINES[0], LINES[6], LINES[10]], ids=" ".join)
def test_the_environment_is_the_clients(both, files, line):
    for variables in SURROUNDINGS:
        warm, cold = both(*line, env=variables)
        assert (variables, warm) == (variables, cold)


def test_nothing_of_one_client_reaches_the_next(both, files, identity, tmp_path):
    """The key is in the environment of the first, and the second has none."""
    key = {"SOPS_AGE_KEY": identity.secret, "SOPS_AGE_KEY_FILE": ""}
    assert both("fluxsecrets", "decrypt", "secret.yaml", env=key)[0].code == 0
    none = {"SOPS_AGE_KEY_FILE": "", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    warm, cold = both("fluxsecrets", "decrypt", "secret.yaml", env=none)
    assert warm == cold
    assert warm.code == 2


def test_a_log_is_written_once(both, agent, files, tmp_path):
    log = tmp_path / "log.jsonl"
    done = run("fluxsecrets", "decrypt", "secret.yaml", env={"FLUXSECRETS_LOG": str(log)})
    assert done.code == 0
    lines = log.read_text().splitlines()
    assert [line.count('"event": "start"') + line.count('"event":"start"') for line in lines].count(1) == 1
    log.unlink()
    # What failed and was logged is not repeated.
    warm = run("fluxsecrets", "decrypt", "changed.yaml", env={"FLUXSECRETS_LOG": str(log)})
    assert len([line for line in log.read_text().splitlines() if "start" in line]) == 1
    cold = run("fluxsecrets", "decrypt", "changed.yaml", env={"FLUXSECRETS_NO_AGENT": "1"})
    assert warm == cold


def test_a_deleted_folder_is_said_to_be_one(both, files):
    gone = files.path / "gone"
    gone.mkdir()
    os.chdir(gone)
    shutil.rmtree(gone)
    command = ["fluxsecrets", "decrypt", "secret.yaml"]
    warm, cold = both(*command)
    os.chdir(files.path)
    assert warm == cold
    assert b"no longer exists" in warm.err


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_streams(agent, files, closed):
    def without(env):
        command = f"exec {PROGRAMS['fluxsecrets']} decrypt secret.yaml {closed}>&-"
        done = subprocess.run(
            ["sh", "-c", command], capture_output=True, env={**os.environ, **env}, check=False
        )
        return done.returncode, done.stdout, done.stderr

    assert without({}) == without({"FLUXSECRETS_NO_AGENT": "1"})


def test_a_reader_that_stops(both, agent, files):
    """`head` closes the pipe: exit code 2, and no traceback."""

    def stopped(env):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [PROGRAMS["fluxsecrets"], "decrypt", "secret.yaml"],
            stdout=write,
            stderr=subprocess.PIPE,
            env={**os.environ, **env},
            check=False,
        )
        os.close(write)
        return done.returncode, done.stderr

    assert stopped({}) == stopped({"FLUXSECRETS_NO_AGENT": "1"})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk(agent, files):
    def full(env):
        with Path("/dev/full").open("wb") as sink:
            done = subprocess.run(
                [PROGRAMS["fluxsecrets"], "decrypt", "secret.yaml"],
                stdout=sink,
                stderr=subprocess.PIPE,
                env={**os.environ, **env},
                check=False,
            )
        return done.returncode, done.stderr

    assert full({}) == full({"FLUXSECRETS_NO_AGENT": "1"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_the_run_as_ever(agent, encrypted, cli, number):
    """The run writes to a pipe that nobody reads, so that it is under way when the signal comes."""
    encrypted.write("large.yaml", f"a: {'x' * 400_000}\n")
    assert cli("encrypt", "large.yaml").exit_code == 0

    def interrupted(env):
        with subprocess.Popen(
            [PROGRAMS["fluxsecrets"], "decrypt", "large.yaml"],
            bufsize=0,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **env},
        ) as process:
            assert process.stdout.read(1) == b"a"
            time.sleep(0.3)
            process.send_signal(number)
            return process.wait(timeout=30), process.stderr.read()

    warm, cold = interrupted({}), interrupted({"FLUXSECRETS_NO_AGENT": "1"})
    assert warm == cold
    assert warm[0] in (128 + number, -number)
