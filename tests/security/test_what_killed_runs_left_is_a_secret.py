"""What killed runs left is deleted, or reported as plain text, whatever it holds."""

import json
import os

import pytest

from fluxsecrets.files.processes import machine_tag
from fluxsecrets.ops.run import afterkill

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names and folders are judged by their age there")

CONTENTS = {
    ".db.env": b"A=throw-away\n",
    ".wg0.conf": b"one line of any kind\n",
    ".token": b"\0\1\2",
    ".secret.yaml": b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  p: throw-away-1\n",
    ".values.yaml": b"replicas: 1\n",
}


def name_of(stem, tag="00000000", process=1):
    return f"{stem}.fluxsecrets-{tag}-{process}-0123abcd.tmp"


@pytest.fixture
def repository(tmp_path, git, environment, identity, monkeypatch):
    """A repository with a file of another machine's run for each kind of content."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet")
    (root / ".sops.yaml").write_text(f"creation_rules:\n  - age: {identity.recipient}\n")
    for stem, content in CONTENTS.items():
        (root / name_of(stem)).write_bytes(content)
    monkeypatch.chdir(root)
    return root


LOOKS = {
    "hook": (("hook", "run", "pre-commit"), 1),
    "scan": (("scan",), 1),
    "status": (("status",), 2),
    "audit": (("audit",), 1),
    "check": (("encrypt", "--check"), 2),
}


@pytest.mark.parametrize(("command", "code"), LOOKS.values(), ids=LOOKS)
def test_each_file_is_reported(repository, cli, git, command, code):
    git(repository, "add", "--all", "--force")
    result = cli(*command)
    assert result.exit_code == code, result.stderr
    assert all(name_of(stem) in result.stdout for stem in CONTENTS)
    assert "throw-away" not in result.stdout + result.stderr


def test_the_hint_says_how_it_goes(repository, cli, git):
    git(repository, "add", "--all", "--force")
    assert f"`rm -f {name_of('.token')}`" in cli("scan").stdout
    assert "delete it" in cli("status").stderr


def test_ciphertext_is_not_a_secret(repository, cli, git):
    for stem in CONTENTS:
        (repository / name_of(stem)).unlink()
    source = repository / "secret.yaml"
    source.write_bytes(CONTENTS[".secret.yaml"])
    assert cli("encrypt", "secret.yaml").exit_code == 0
    (repository / name_of(".secret.yaml")).write_bytes(source.read_bytes())
    git(repository, "add", "--all", "--force")
    for command in LOOKS.values():
        result = cli(*command[0])
        assert name_of(".secret.yaml") not in result.stdout, command


def test_no_command_touches_what_a_living_run_writes(repository, cli):
    for stem in CONTENTS:
        (repository / name_of(stem)).unlink()
    alive = repository / name_of(".db.env", machine_tag(), os.getpid())
    alive.write_bytes(CONTENTS[".db.env"])
    for command in (("status",), ("encrypt",), ("encrypt", "--check")):
        assert cli(*command).exit_code == 0
    assert alive.read_bytes() == CONTENTS[".db.env"]


def test_that_of_a_dead_run_is_deleted_by_any_command_that_looks_for_files(repository, cli):
    dead = repository / name_of(".db.env", machine_tag(), 2**22 + 1)
    dead.write_bytes(CONTENTS[".db.env"])
    result = cli("status")
    assert not dead.exists()
    assert f"warning: a run that was killed left {dead.name}, which is deleted" in result.stderr


@pytest.fixture
def stuck(repository, tmp_path, monkeypatch):
    """A private folder of a dead run that can't be deleted; nothing else was left."""
    for stem in CONTENTS:
        (repository / name_of(stem)).unlink()
    folder = tmp_path / "temporary" / f"fluxsecrets-{'0a' * 16}"
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "secret.yaml").write_text("throw-away")
    monkeypatch.setenv("TMPDIR", str(folder.parent))

    def fail(folder, descriptor):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("fluxsecrets.files.removal.remove_folder", fail)
    return folder


@pytest.mark.parametrize("command", ["scan", "status"])
def test_a_folder_that_cannot_be_deleted_is_not_clean(stuck, cli, command):
    result = cli(command)
    assert result.exit_code == 2
    assert f"`rm -rf {stuck}`" in result.stderr
    errors = json.loads(cli(command, "--format", "json").stdout)["errors"]
    assert [error["path"] for error in errors] == [str(stuck)]


def test_other_commands_name_it_and_go_on(stuck, cli, git, repository):
    git(repository, "add", "--all")
    for command in (("hook", "run", "pre-commit"), ("status", ".sops.yaml"), ("env", "list")):
        result = cli(*command)
        assert str(stuck) in result.stderr, command
        assert "Traceback" not in result.stderr
    assert cli("hook", "run", "pre-commit").exit_code == 0


def test_what_was_not_there_costs_one_look_per_folder(repository, monkeypatch):
    looked = []
    real = os.listdir

    def listdir(place):
        looked.append(place)
        return real(place)

    monkeypatch.setattr(os, "listdir", listdir)
    afterkill.clean_up(os.environ, str(repository))
    assert len(looked) == len(set(looked))
    assert len(looked) <= 5
