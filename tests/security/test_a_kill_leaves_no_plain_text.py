"""Every command that writes plain text, killed at every file operation: the next run leaves nothing of it."""

import os
import shutil
import sys

import pytest

from fluxsecrets.files import private
from fluxsecrets.ops.run.afterkill import clean_up
from kills import kill_process_at, killed_at
from sealing import key_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="folders have no locks there")

MARK = b"hunter2-throwaway"
BASE64 = b"aHVudGVyMi10aHJvd2F3YXk="
SECRET = """apiVersion: v1
kind: Secret
metadata:
  name: NAME
  namespace: apps
stringData:
  password: hunter2-throwaway
"""
NAMES = ("one.yaml", "two.yaml")
RULES = """creation_rules:
  - path_regex: \\.yaml$
    encrypted_regex: ^(data|stringData)$
    age: {}
"""


@pytest.fixture(scope="module")
def _trees(tmp_path_factory):
    return tmp_path_factory.mktemp("trees")


@pytest.fixture
def work(tmp_path, cli, git, identity, environment, monkeypatch, _trees):
    """Makes a fresh work tree with Secrets in a form, as often as asked for; the test runs in it."""
    memory, temporary = tmp_path / "memory", tmp_path / "temporary"
    memory.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(memory))
    monkeypatch.setattr(private, "_memory_folder", lambda: str(memory))
    monkeypatch.setenv("FLUXSECRETS_SEALING_KEYS", str(_key(tmp_path)))
    root = tmp_path / "work"

    def make(form):
        kept = _trees / form
        shutil.rmtree(root, ignore_errors=True)
        if kept.exists():
            shutil.copytree(kept, root)
            monkeypatch.chdir(root)
            return root
        root.mkdir()
        monkeypatch.chdir(root)
        git(root, "init", "--quiet")
        (root / ".sops.yaml").write_text(RULES.format(identity.recipient))
        (root / "sealing.crt").write_bytes(key_file("sealing.crt"))
        for name in NAMES:
            (root / name).write_text(SECRET.replace("NAME", name[:3]))
        if form == "encrypted":
            assert cli("encrypt", *NAMES).exit_code == 0
        elif form == "sealed":
            assert cli("seal", "--for-others", "--cert", "sealing.crt", *NAMES).exit_code == 0
        shutil.copytree(root, kept)
        return root

    return make


def _key(folder):
    path = folder / "sealing.key"
    path.write_bytes(key_file("sealing.key"))
    path.chmod(0o600)
    return path


COMMANDS = {
    "decrypt in place": ("encrypted", ("decrypt", "-i", *NAMES)),
    "decrypt to a file": ("encrypted", ("decrypt", "-o", "two.yaml", "one.yaml")),
    "decrypt to a new file": ("encrypted", ("decrypt", "-o", "plain.yaml", "one.yaml")),
    "unseal": ("sealed", ("unseal", "-o", "two.yaml", "one.yaml")),
    "encrypt": ("plain", ("encrypt", *NAMES)),
    "seal": ("plain", ("seal", "--for-others", "--cert", "sealing.crt", *NAMES)),
    "convert to plain": ("encrypted", ("convert", "--to", "plain", *NAMES)),
    "convert to sealed": (
        "plain",
        ("convert", "--to", "sealed", "--for-others", "--cert", "sealing.crt", *NAMES),
    ),
    "edit": ("encrypted", ("edit", "one.yaml")),
    "exec-file": ("encrypted", ("exec-file", "--no-fifo", "one.yaml", "--", "true", "{}")),
}
ITS_OWN = {*NAMES, "plain.yaml"}
"""The files that may hold plain text: the user asked for that, or had them so."""


def leaks(*folders):
    """The files with the value in them, besides those that the commands are about."""
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
        and not (path.parent.name == "work" and path.name in ITS_OWN)
        and any(mark in path.read_bytes() for mark in (MARK, BASE64))
    ]


@pytest.fixture
def editor(tmp_path, monkeypatch):
    program = tmp_path / "editor.py"
    program.write_text(
        "import pathlib, sys\npath = pathlib.Path(sys.argv[1])\n"
        "path.write_text(path.read_text().replace('name: one', 'name: more'))\n"
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {program}")


@pytest.mark.parametrize(("form", "command"), COMMANDS.values(), ids=COMMANDS)
def test_nothing_is_left_in_the_work_tree_and_the_next_run_deletes_the_rest(
    work, cli, editor, environment, tmp_path, form, command
):
    step = 0
    while True:
        root = work(form)
        before = {path.name for path in root.iterdir()}
        killed = killed_at(step, lambda: cli(*command))
        seen = {path.name for path in root.iterdir()}
        assert seen <= before | ITS_OWN, f"beside the files, after step {step}"
        clean_up(os.environ, str(root))
        assert leaks(root, tmp_path / "memory", tmp_path / "temporary", environment) == [], step
        if not killed:
            break
        step += 1
    assert step > 3, "it was killed at few steps"


@pytest.mark.skipif(
    sys.platform != "linux", reason="what a real kill leaves is the same elsewhere, or a batch"
)
@pytest.mark.parametrize("name", ["decrypt in place", "convert to sealed"])
def test_a_real_kill_is_no_different(work, cli, editor, environment, tmp_path, name):
    form, command = COMMANDS[name]
    killed = []
    for step in (4, 12):
        root = work(form)
        before = {path.name for path in root.iterdir()}
        killed.append(kill_process_at(step, *command))
        assert {path.name for path in root.iterdir()} <= before | ITS_OWN
        clean_up(os.environ, str(root))
        assert leaks(root, tmp_path / "memory", tmp_path / "temporary", environment) == [], step
    assert any(killed)
