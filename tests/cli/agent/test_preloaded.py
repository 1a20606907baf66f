"""The agent has loaded all that its answers need: a process that answers imports nothing.

PYTHONPROFILEIMPORTTIME has Python print each module that it imports to standard error. A process that
answers writes to the client's, and the client itself runs without the variable. So all that is printed is
the agent's.
"""

import json
import os
import re
import shutil

import pytest

import agents
from agents import PROGRAMS, run, until
from conftest import VECTORS
from fluxsecrets.cli.agent import talk, wire

CASES = {each["name"]: each for each in json.loads((VECTORS / "sops" / "cases.json").read_bytes())}
FORMATS = {"yaml", "json", "dotenv", "ini", "binary"}
IMPORTED = re.compile(rb"^import time:.*\| +(\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def _telling():
    with agents.running(PROGRAMS["fluxsecrets"], PYTHONPROFILEIMPORTTIME="1") as agent:
        yield agent


@pytest.fixture
def imported(_telling, environment, monkeypatch):
    """Runs a command line, and returns what the process that answered it imported."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(_telling.runtime))

    def requests():
        state = talk.tell(wire.STATUS, environ={b"XDG_RUNTIME_DIR": os.fsencode(_telling.runtime)})
        return state["answered"], sum(state["declined"].values())

    def modules(program, *args, answered=True):
        before = requests()
        done = run(program, *args)
        until(lambda: sum(requests()) > sum(before))  # the process has ended
        assert (requests()[0] > before[0]) == answered, (args, done.err)
        return IMPORTED.findall(done.err)

    return modules


@pytest.fixture
def file_of(tmp_path, monkeypatch):
    """Copies the encrypted file of a case, and makes its identities the user's."""

    def copied(name):
        case = CASES[name]
        for identity in case["identities"]:
            key = tmp_path / identity.rpartition("/")[2]
            shutil.copyfile(VECTORS / identity, key)
            key.chmod(0o600)
            kind = "SOPS_AGE_SSH_PRIVATE_KEY_FILE" if "ssh" in identity else "SOPS_AGE_KEY_FILE"
            monkeypatch.setenv(kind, str(key))
        return str(shutil.copy(VECTORS / case["encrypted"], tmp_path))

    return copied


def test_the_cases_are_of_all_formats():
    assert {case["format"] for case in CASES.values()} == FORMATS


@pytest.mark.parametrize("name", CASES)
def test_a_request_imports_nothing(name, imported, file_of):
    path = file_of(name)
    opens = all(not each.endswith(".asc") for each in CASES[name]["identities"])  # gpg is the client's
    lines = [
        ("fluxsecrets", "textconv", path),
        ("fluxsecrets", "status", path),
    ]
    assert [(line, imported(*line)) for line in lines] == [(line, []) for line in lines]
    lines = [
        ("fluxsecrets", "decrypt", path),
        ("fluxsecrets-sops", "-d", path),
    ]
    found = [(line, imported(*line, answered=opens)) for line in lines]
    assert found == [(line, []) for line in lines]


def test_an_output_in_another_format_imports_nothing(imported, file_of):
    for name in ("json", "dotenv", "ini"):
        path = file_of(name)
        for kind in ("yaml", "json", "dotenv" if name == "dotenv" else "yaml"):
            for program in PROGRAMS:
                assert imported(program, "decrypt", path, "--output-type", kind) == [], (path, kind)


def test_a_value_imports_nothing(imported, encrypted):
    assert imported("fluxsecrets", "decrypt", "secret.yaml", "--decryption-order", "age,pgp") == []
    assert imported("fluxsecrets", "get", "secret.yaml", "stringData.password") == []
    assert imported("fluxsecrets", "get", "secret.yaml", "stringData", "--output-type", "json") == []
    assert imported("fluxsecrets-sops", "-d", "--extract", '["stringData"]', "secret.yaml") == []


def test_a_whole_repository_imports_nothing(imported, encrypted_waddle, monkeypatch):
    monkeypatch.chdir(encrypted_waddle)
    for options in ((), (".",), ("--env", "staging"), ("--format", "json")):
        assert imported("fluxsecrets", "status", *options) == [], options
    assert imported("fluxsecrets", "textconv", ".sops.yaml") == []


def test_what_fails_imports_nothing_either(imported, encrypted):
    """The client says why, and imports what it needs for that; it prints no times."""
    failing = (("decrypt", "missing.yaml"), ("decrypt", ".sops.yaml"), ("get", "secret.yaml", "stringData.x"))
    for line in failing:
        assert imported("fluxsecrets", *line, answered=False) == [], line


def test_the_measurement_sees_imports(imported, encrypted, monkeypatch):
    """Of the client, if it has the variable as well."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    assert b"fluxsecrets.cli.agent.client" in imported("fluxsecrets", "decrypt", "secret.yaml")
