"""Every process pays for what it imports. A budget says for each usual command which modules that may be.

A module that is added or gone shows in the snapshot, one a line: `pytest tests/cli/test_startup.py
--snapshot-update` writes it anew. Look at the difference then: does every run of the command need the module?

The modules are those that `python -X importtime` reports until the process ends. Of other libraries they
depend on the versions that scripts/constraints.txt pins. Of the standard library, whose modules import
different ones in each version of Python, only those are noted that take long and that we import ourselves.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the executable is no Python file there")

LIBRARIES = {"_cffi_backend", "click", "cryptography", "hyperscan", "re2", "yaml"}
HEAVY = {
    *("concurrent.futures", "ctypes", "dataclasses", "datetime", "decimal", "difflib", "gettext"),
    *("hashlib", "importlib.resources", "inspect", "json", "logging", "multiprocessing", "pathlib"),
    *("platform", "secrets", "shutil", "socket", "ssl", "subprocess", "tempfile", "textwrap", "typing"),
    "uuid",
}
"""Modules of the standard library that take a millisecond and more."""

NEVER = {"dataclasses", "gettext", "inspect", "platform", "uuid"}
"""What click and the dataclasses of the standard library import; `records` has others."""

OF_OTHER_RUNS = {"fluxsecrets.files.locks", "fluxsecrets.files.removal"}
"""What looks at the private folders of other runs, such as those of tests beside this one."""

COMMANDS = {
    "decrypt": ("fluxsecrets", "decrypt", "secret.yaml"),
    "decrypt -i": ("fluxsecrets", "decrypt", "-i", "secret.yaml"),
    "encrypt": ("fluxsecrets", "encrypt", "plain.yaml"),
    "get": ("fluxsecrets", "get", "secret.yaml", "stringData.password"),
    "rotate": ("fluxsecrets", "rotate", "secret.yaml"),
    "status": ("fluxsecrets", "status", "secret.yaml"),
    "set": ("fluxsecrets", "set", "secret.yaml", "stringData.other", "value"),
    "set, again": ("fluxsecrets", "set", "secret.yaml", "stringData.password", "value"),
    "exec-env": ("fluxsecrets", "exec-env", "secret.yaml", "--", sys.executable, "-c", "pass"),
    "textconv": ("fluxsecrets", "textconv", "secret.yaml"),
    "sops decrypt": ("fluxsecrets-sops", "decrypt", "secret.yaml"),
    "sops -d": ("fluxsecrets-sops", "-d", "secret.yaml"),
    "version": ("fluxsecrets", "--version"),
    "completion": ("fluxsecrets", "__complete", "bash", "2", "decrypt", "--out"),
}


def modules_of(program, *args):
    """What a process has imported when it ends."""
    executable = Path(sysconfig.get_path("scripts"), program)
    command = [sys.executable, "-X", "importtime", str(executable), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def budget(found):
    """The modules that count, in groups."""
    own = sorted(name for name in found - OF_OTHER_RUNS if name.partition(".")[0] == "fluxsecrets")
    libraries = sorted(name for name in found if name.partition(".")[0] in LIBRARIES)
    groups = (("", own), ("libraries", libraries), ("standard library", sorted(HEAVY & found)))
    return "\n".join(f"{heading}\n" + "\n".join(names) for heading, names in groups)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_imports_what_its_budget_says(name, encrypted, cli, git, snapshot):
    git(encrypted.path, "init", "--quiet")
    encrypted.write("plain.yaml")
    found = modules_of(*COMMANDS[name])
    assert not NEVER & found
    assert "click" not in found
    assert budget(found) == snapshot


def test_workers_import_no_more_than_one_file_needs(encrypted, cli, git):
    git(encrypted.path, "init", "--quiet")
    for number in range(60):
        encrypted.write(f"plain-{number}.yaml")
    found = modules_of("fluxsecrets", "encrypt", *(f"plain-{number}.yaml" for number in range(60)))
    if sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1:
        assert "fluxsecrets.ops.run.forked" in found
    assert not {*NEVER, "ctypes", "hashlib", "json", "shutil", "typing"} & found


PREPARING = """
import sys
from fluxsecrets.cli.entry import main
from fluxsecrets.scan import prepared
prepared._SETTLED = 0
del sys.argv[0]
main()
"""
"""A run that fills the cache also where a module of the program was written just now."""


def test_a_hook_imports_what_its_budget_says(environment, tmp_path, monkeypatch, git, snapshot):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "values.yaml").write_text("replicas: 2\n", encoding="utf-8")
    git(tmp_path, "add", "values.yaml")
    monkeypatch.chdir(tmp_path)
    command = ("fluxsecrets", "hook", "run", "pre-commit")
    subprocess.run([sys.executable, "-c", PREPARING, *command], check=True, timeout=600)
    found = modules_of(*command)
    assert "fluxsecrets.scan.scanner" in found
    unneeded = {"click", "yaml", "cryptography", "hashlib", "fluxsecrets.sops.document"}
    assert not {*unneeded, "fluxsecrets.repo.manifests"} & found
    assert budget(found - {"fluxsecrets.files.reading"}) == snapshot  # the locks of other runs need it


@pytest.mark.parametrize("words", [(), ("--history",)], ids=["files", "history"])
def test_a_scan_without_findings_imports_neither_click_nor_the_rules_for_tokens(
    words, environment, tmp_path, monkeypatch, git
):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "values.yaml").write_text("replicas: 2\n", encoding="utf-8")
    git(tmp_path, "add", "values.yaml")
    git(tmp_path, "commit", "--quiet", "--message", "values")
    monkeypatch.chdir(tmp_path)
    command = ("fluxsecrets", "scan", *words)
    subprocess.run([sys.executable, "-c", PREPARING, *command], check=True, timeout=600)
    found = modules_of(*command)
    assert "fluxsecrets.scan.scanner" in found
    unneeded = {*NEVER, "click", "yaml", "cryptography", "fluxsecrets.scan.rules", "fluxsecrets.report.sarif"}
    assert not {*unneeded, "fluxsecrets.ops.run.session"} & found


def test_what_one_file_needs(encrypted, cli):
    """The snapshot may be written anew in a hurry: this does not go that way."""
    for name in ("decrypt", "get", "sops -d"):
        found = modules_of(*COMMANDS[name])
        assert "fluxsecrets.sops.cipher" in found
        unneeded = {"subprocess", "shutil", "tempfile", "multiprocessing", "json", "re2", "datetime"}
        rooms = {"repo", "audit", "scan", "sealed", "clouds", "mcp", "report.text", "api"}
        assert not {*unneeded, *(f"fluxsecrets.{room}" for room in rooms)} & found
        assert (
            not {"yaml.reader", "cryptography.hazmat.primitives.ciphers", "fluxsecrets.sops.config"} & found
        )
    found = modules_of(*COMMANDS["version"])
    assert not {"yaml", "cryptography", "re2", "fluxsecrets.errors"} & found


def test_reading_an_encrypted_file_needs_no_git(encrypted, cli, git, monkeypatch):
    git(encrypted.path, "init", "--quiet")
    monkeypatch.setenv("PATH", "")
    assert cli("decrypt", "secret.yaml").stdout == encrypted.secret
    assert cli("get", "secret.yaml", "stringData.password").stdout == encrypted.marker
