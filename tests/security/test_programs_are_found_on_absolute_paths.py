"""A program is found in an absolute folder of PATH, and never because it lies in the working directory."""

import ast
import os
import re
import sys
from pathlib import Path

import pytest
from tests.conftest import commit_all

import fluxsecrets
from fluxsecrets.programs import child_environment, find_program

SOURCE = Path(fluxsecrets.__file__).parent
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: hunter2-throwaway\n"
NAMES = (
    "git", "gpg", "gpg2", "vim", "vi", "nano", "emacs", "age", "age-plugin-xor", "sops", "fluxsecrets", "sh",
    "python", "python3", "env", "pinentry", "uname", "ldd", "age-plugin-yubikey",
)  # fmt: skip
HERE = ("", ".", "./", "..", "bin", "./bin", "clusters/../bin")


def program(path, text="#!/bin/sh\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("entry", HERE)
def test_a_relative_entry_of_path_is_no_place(tmp_path, monkeypatch, entry):
    folder = tmp_path / "repository"
    for place in (folder, folder / "bin", tmp_path):
        program(place / "git")
    good = program(tmp_path / "good/git")
    monkeypatch.chdir(folder)
    assert find_program("git", {"PATH": entry}) is None
    for path in (f"{entry}{os.pathsep}{tmp_path / 'good'}", f"{tmp_path / 'good'}{os.pathsep}{entry}"):
        assert find_program("git", {"PATH": path}) == good
        assert child_environment({"PATH": path})["PATH"] == str(tmp_path / "good")


def test_what_is_found_can_be_run(tmp_path, monkeypatch):
    (tmp_path / "a/git").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/git").write_text("not executable")
    good = program(tmp_path / "c/git")
    path = os.pathsep.join(str(tmp_path / name) for name in ("missing", "a", "b", "c"))
    assert find_program("git", {"PATH": path}) == good
    assert find_program("gitx", {"PATH": path}) is None
    assert find_program("", {"PATH": path}) is None


def test_a_word_with_a_folder_is_the_users_own(tmp_path, monkeypatch):
    editor = program(tmp_path / "bin/ed")
    monkeypatch.chdir(tmp_path)
    for word in ("bin/ed", "./bin/ed", editor):
        assert find_program(word, {"PATH": ""}) == editor


def test_on_windows_pathext_counts_and_the_working_directory_does_not(tmp_path, monkeypatch):
    program(tmp_path / "here/git.EXE")
    program(tmp_path / "here/git")
    good = program(tmp_path / "good/git.EXE")
    program(tmp_path / "good/tool.cmd")
    monkeypatch.chdir(tmp_path / "here")
    environ = {"PATH": f"{os.pathsep}.{os.pathsep}{tmp_path / 'good'}", "PATHEXT": ".COM;.EXE;.cmd"}
    assert find_program("git", environ, "win32") == good
    assert find_program("git.EXE", environ, "win32") == good
    assert find_program("tool", environ, "win32") == str(tmp_path / "good/tool.cmd")
    assert find_program("tool", {**environ, "PATHEXT": ".EXE"}, "win32") is None
    assert find_program("git", {**environ, "PATH": "."}, "win32") is None
    assert find_program(str(tmp_path / "good/git"), environ, "win32") == good


def test_a_private_key_is_not_passed_on():
    assert "SOPS_AGE_KEY" not in child_environment({"SOPS_AGE_KEY": "1", "PATH": ""})
    assert child_environment({"SOPS_AGE_KEY_FILE": "1"}) == {"SOPS_AGE_KEY_FILE": "1"}


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
@pytest.mark.parametrize("path", [".:{}", ":{}", "{}:.", "{}:", "bin:{}"])
def test_no_program_of_the_repository_is_run(identity, tmp_path, cli, monkeypatch, path):
    folder, log = tmp_path / "repository", tmp_path / "ran"
    folder.mkdir()
    (folder / ".sops.yaml").write_text(
        f"creation_rules:\n  - encrypted_regex: ^stringData$\n    age: {identity.recipient}\n"
    )
    (folder / "db.yaml").write_text(SECRET)
    monkeypatch.chdir(folder)
    assert cli("encrypt", "db.yaml").exit_code == 0
    for name in NAMES:
        for place in (folder, folder / "bin"):
            program(place / name, f"#!/bin/sh\necho $0 >> '{log}'\n")
    commit_all(folder, "with programs")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "sh", "env", "true"):
        (tools / name).symlink_to(find_program(name, os.environ))
    monkeypatch.setenv("PATH", path.format(tools))
    for command in (
        ("status",), ("scan",), ("audit",), ("decrypt", "db.yaml"), ("edit", "db.yaml"), ("keys", "list"),
        ("encrypt", "--check"), ("recipients", "exposure", "db.yaml"), ("env", "list"),
        ("doctor",), ("version",), ("init", "--yes", "--skip", "hook"),
    ):  # fmt: skip
        cli(*command)
        assert not log.exists(), (command, log.read_text())
    # The hook has a start-up of its own, exec-env replaces its process, and `version` looks once per process.
    for command in (("hook", "run", "pre-commit"), ("version",), ("exec-env", "db.yaml", "--", "vim")):
        cli.process(*command)
        assert not log.exists(), (command, log.read_text())
    monkeypatch.setenv("EDITOR", "vim")
    assert cli("edit", "db.yaml").exit_code == 2
    assert cli.process("exec-env", "db.yaml", "--", "true").exit_code == 0
    assert not log.exists()
    cli.process("exec-env", "db.yaml", "--", "./vim")
    assert log.exists(), "the user's own word may name the working directory"


FINDERS = {
    "which", "get_exec_path", "execvp", "execvpe", "execlp", "execlpe", "spawnlp", "spawnvp", "spawnlpe",
    "spawnvpe", "posix_spawnp", "system", "popen", "startfile", "getoutput", "getstatusoutput",
}  # fmt: skip
LOOKS_AT_THE_SYSTEM = {"platform", "processor", "uname"}
"""Of the module `platform`: each starts `uname`."""

STARTERS = {"Popen", "run", "call", "check_call", "check_output"}


def test_nothing_else_looks_for_a_program():
    for path in SOURCE.rglob("*.py"):
        name, text = path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8")
        if re.search(r"\b(?:os|platform|shutil|subprocess)\b", text) is None:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id in ("os", "shutil", "subprocess"):
                    assert node.attr not in FINDERS, f"{name}:{node.lineno}"
                elif node.value.id == "platform":
                    assert node.attr not in LOOKS_AT_THE_SYSTEM, f"{name}:{node.lineno}"
            elif isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil", "subprocess"):
                assert not {each.name for each in node.names} & (FINDERS | STARTERS), f"{name}:{node.lineno}"
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "subprocess"
            ):
                first = node.args[0]
                words = first.elts[:1] if isinstance(first, ast.List) else [first]
                assert not any(isinstance(word, ast.Constant) for word in words), f"{name}:{node.lineno}"
