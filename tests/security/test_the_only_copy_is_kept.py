"""Plain text that git does not have is not replaced by what nobody here can decrypt, but where it is said."""

import json
import os
import shlex
import shutil
import stat
import sys
from pathlib import Path

import pytest

from fluxsecrets.keys.lockedfile import lock_file
from sealing import key_file, make_certificate

VECTORS = Path(__file__).parents[1] / "vectors" / "keys"
RECIPIENTS = json.loads((VECTORS / "recipients.json").read_text(encoding="utf-8"))
ALICE, BOB = RECIPIENTS["alice"], RECIPIENTS["bob"]
SECRET = b"""\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: apps
stringData:
  password: hunter2-throwaway
"""


@pytest.fixture
def repository(tmp_path, environment, git, monkeypatch):
    """A repository with a rule for bob, without any identity of ours; `new.yaml` is not known to git."""
    path = tmp_path / "repository"
    path.mkdir()
    monkeypatch.chdir(path)
    (path / ".sops.yaml").write_text(f"creation_rules:\n  - age: {BOB}\n")
    (path / "cert.pem").write_bytes(make_certificate(-1, 30))
    git(path, "init", "--quiet")
    git(path, "add", ".sops.yaml", "cert.pem")
    git(path, "commit", "--quiet", "--message", "rules")
    (path / "new.yaml").write_bytes(SECRET)
    return path


def plain(path):
    return [
        each.name for each in sorted(path.glob("*")) if each.is_file() and b"hunter2" in each.read_bytes()
    ]


IN_PLACE = {
    "encrypt": ("encrypt", "new.yaml"),
    "encrypt -i": ("encrypt", "-i", "new.yaml"),
    "encrypt --age": ("encrypt", "--age", BOB, "new.yaml"),
    "encrypt a folder": ("encrypt", "."),
    "encrypt all": ("encrypt",),
    "encrypt -o itself": ("encrypt", "new.yaml", "-o", "./new.yaml"),
    "seal": ("seal", "--cert", "cert.pem", "new.yaml"),
    "seal --all": ("seal", "--cert", "cert.pem", "--all"),
    "seal -o itself": ("seal", "--cert", "cert.pem", "new.yaml", "-o", "new.yaml"),
}


def unborn(path, git):
    git(path, "update-ref", "-d", "HEAD")
    git(path, "read-tree", "--empty")


def older(path, git):
    (path / "new.yaml").write_bytes(SECRET.replace(b"hunter2", b"hunter1"))
    git(path, "add", "new.yaml")
    git(path, "commit", "--quiet", "--message", "older")
    (path / "new.yaml").write_bytes(SECRET)


def unnoticed(path, git):
    """`git diff` and `git status` say that nothing changed."""
    older(path, git)
    git(path, "update-index", "--assume-unchanged", "new.yaml")


LOST = {
    "untracked": lambda path, git: None,
    "intended": lambda path, git: git(path, "add", "--intent-to-add", "new.yaml"),
    "changed since": older,
    "changed, unnoticed": unnoticed,
    "without a commit": unborn,
    "outside git": lambda path, git: shutil.rmtree(path / ".git"),
}


@pytest.mark.parametrize("command", IN_PLACE.values(), ids=IN_PLACE)
def test_every_way_in_place_is_refused(repository, cli, command):
    before = {each.name: each.read_bytes() for each in repository.iterdir() if each.is_file()}
    result = cli(*command)
    assert result.exit_code == 2, result.stdout
    assert "it would be lost" in result.stderr
    assert "--for-others" in result.stderr
    assert {each.name: each.read_bytes() for each in repository.iterdir() if each.is_file()} == before


@pytest.mark.parametrize("change", LOST.values(), ids=LOST)
@pytest.mark.parametrize("command", [IN_PLACE["encrypt"], IN_PLACE["seal"]], ids=["encrypt", "seal"])
def test_whatever_git_makes_of_the_file(repository, cli, git, change, command):
    change(repository, git)
    assert cli(*command).exit_code == 2
    assert (repository / "new.yaml").read_bytes() == SECRET


@pytest.mark.parametrize("command", IN_PLACE.values(), ids=IN_PLACE)
def test_it_goes_where_the_user_said_so(repository, cli, command):
    result = cli(*command, "--for-others")
    assert result.exit_code == 0, result.stderr
    assert b"hunter2" not in (repository / "new.yaml").read_bytes()


def staged(path, git):
    git(path, "add", "new.yaml")


def committed(path, git):
    staged(path, git)
    git(path, "commit", "--quiet", "--message", "plain")


def elsewhere(path, git):
    committed(path, git)
    git(path, "mv", "new.yaml", "old.yaml")
    git(path, "commit", "--quiet", "--message", "moved")
    (path / "old.yaml").rename(path / "new.yaml")


def with_other_line_breaks(path, git):
    committed(path, git)
    (path / "new.yaml").write_bytes(SECRET.replace(b"\n", b"\r\n"))


def with_sha256(path, git):
    shutil.rmtree(path / ".git")
    git(path, "init", "--quiet", "--object-format=sha256")
    committed(path, git)


KEPT = {
    "staged": staged,
    "committed": committed,
    "under another name": elsewhere,
    "line breaks": with_other_line_breaks,
    "sha256": with_sha256,
}


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_where_git_has_it_a_warning_is_enough(repository, cli, git, change):
    change(repository, git)
    result = cli("encrypt", "new.yaml")
    assert result.exit_code == 0, result.stderr
    assert "none of your identities can decrypt the result" in result.stderr
    assert plain(repository) == []


def test_sealing_needs_no_more_than_a_copy_in_git_or_the_key_of_the_controller(repository, cli, git):
    (repository / "key.pem").write_bytes(key_file("sealing.key"))
    assert cli(*IN_PLACE["seal"], "--private-key", "key.pem").exit_code == 0
    (repository / "new.yaml").write_bytes(SECRET)
    staged(repository, git)
    assert cli(*IN_PLACE["seal"]).exit_code == 0


@pytest.mark.parametrize("command", ["encrypt", "seal --cert cert.pem"])
@pytest.mark.parametrize("where", ["--stdout", "-o other.yaml"])
def test_what_goes_elsewhere_leaves_the_plain_text(repository, cli, command, where):
    assert cli(*command.split(), "new.yaml", *where.split()).exit_code == 0
    assert (repository / "new.yaml").read_bytes() == SECRET


def test_each_of_many_files_is_judged_by_itself(repository, cli, git):
    for name in ("staged.yaml", "fresh.yaml"):
        (repository / name).write_bytes(SECRET.replace(b"hunter2", f"hunter2-{name}".encode()))
    git(repository, "add", "staged.yaml")
    (repository / ".sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: mine\n    age: {ALICE}\n  - age: {BOB}\n"
    )
    result = cli("encrypt", "new.yaml", "staged.yaml", "fresh.yaml")
    assert result.exit_code == 2
    assert "3 files: 1 encrypted, 2 failed" in result.stderr
    assert plain(repository) == ["fresh.yaml", "new.yaml"]


def test_over_processes_too(repository, cli, git):
    for number in range(60):
        (repository / f"f{number:02}.yaml").write_bytes(SECRET + f"# {number}\n".encode())
        if number % 2:
            git(repository, "add", f"f{number:02}.yaml")
    result = cli("encrypt", *(f"f{number:02}.yaml" for number in range(60)))
    assert "60 files: 30 encrypted, 30 failed" in result.stderr
    assert plain(repository) == [f"f{number:02}.yaml" for number in range(0, 60, 2)] + ["new.yaml"]


class TestStaged:
    """`encrypt --staged` replaces what is staged, so that the index is no copy."""

    def test_the_index_does_not_count(self, repository, cli, git):
        staged(repository, git)
        result = cli("encrypt", "--staged")
        assert result.exit_code == 2
        assert "it would be lost" in result.stderr
        assert git(repository, "show", ":new.yaml").encode() == SECRET
        assert (repository / "new.yaml").read_bytes() == SECRET

    def test_a_working_copy_that_stays_does(self, repository, cli, git):
        staged(repository, git)
        (repository / "new.yaml").write_bytes(SECRET + b"# more\n")
        assert cli("encrypt", "--staged").exit_code == 0
        assert (repository / "new.yaml").read_bytes() == SECRET + b"# more\n"

    def test_so_does_head(self, repository, cli, git):
        committed(repository, git)
        git(repository, "mv", "new.yaml", "moved.yaml")
        assert cli("encrypt", "--staged").exit_code == 0


def secret_of(name):
    text = (VECTORS / f"{name}.agekey").read_text(encoding="utf-8")
    return next(line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-"))


class TestIdentities:
    """Whoever can open the result is not in the way; nobody is asked for a passphrase just to find out."""

    @pytest.mark.parametrize("place", ["variable", "file", "default file", "command"])
    def test_an_identity_of_a_recipient(self, repository, cli, environment, monkeypatch, place):
        path = environment / "bob.txt"
        if place == "default file":
            path = environment / ".config" / "sops" / "age" / "keys.txt"
            path.parent.mkdir(parents=True)
        path.write_text(secret_of("bob") + "\n")
        path.chmod(0o600)
        if place == "variable":
            monkeypatch.setenv("SOPS_AGE_KEY", path.read_text())
        elif place == "file":
            monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(path))
        elif place == "command":
            monkeypatch.setenv("SOPS_AGE_KEY_CMD", f"cat {shlex.quote(str(path))}")
        result = cli("encrypt", "new.yaml")
        assert result.exit_code == 0, result.stderr
        assert "warning" not in result.stderr

    @pytest.mark.parametrize("key", ["ssh_ed25519", "ssh_locked", "ssh_rsa"])
    def test_an_ssh_key(self, repository, cli, environment, monkeypatch, key):
        folder = environment / ".ssh"
        folder.mkdir(mode=0o700)
        name = "id_rsa" if "rsa" in key else "id_ed25519"
        (folder / name).write_bytes((VECTORS / key).read_bytes())
        (folder / name).chmod(0o600)
        public = (VECTORS / f"{key}.pub").read_text().strip()
        (repository / ".sops.yaml").write_text(f"creation_rules:\n  - age: {public}\n")
        result = cli("encrypt", "new.yaml")
        assert result.exit_code == 0, result.stderr

    def test_the_os_keyring(self, repository, cli, os_keyring, monkeypatch):
        public = cli("keys", "generate", "--store", "keyring").stdout.strip()
        (repository / ".sops.yaml").write_text(f"creation_rules:\n  - age: {public}\n")
        before = os_keyring.asked
        assert cli("encrypt", "new.yaml").exit_code == 0
        assert os_keyring.asked == before

    @pytest.mark.parametrize("others", [False, True])
    def test_a_key_file_behind_a_passphrase_can_t_be_told(
        self, repository, cli, environment, monkeypatch, others
    ):
        path = environment / "locked.txt"
        path.write_bytes(lock_file(secret_of("bob").encode(), "throw-away passphrase", work_factor=10))
        monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(path))
        monkeypatch.setattr("fluxsecrets.keys.prompt.ask_at_terminal", lambda question: pytest.fail("asked"))
        result = cli("encrypt", "new.yaml", *(["--for-others"] if others else []))
        assert result.exit_code == (0 if others else 2)
        if not others:
            assert "it is unknown whether one of your identities can decrypt" in result.stderr
            assert "SOPS_AGE_KEY_FILE is protected by a passphrase" in result.stderr
            assert (repository / "new.yaml").read_bytes() == SECRET

    @pytest.mark.skipif(sys.platform == "win32", reason="the commands are scripts")
    def test_a_command_that_prints_another_key_is_no_help(self, repository, cli, tmp_path, monkeypatch):
        script = tmp_path / "print-key"
        script.write_text(f"#!/bin/sh\necho {secret_of('alice')}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("SOPS_AGE_KEY_CMD", str(script))
        assert cli("encrypt", "new.yaml").exit_code == 2

    def test_one_group_of_two_is_not_enough(self, repository, cli, act_as):
        act_as("alice")
        groups = f"  - shamir_threshold: 2\n    key_groups:\n    - age: [{ALICE}]\n    - age: [{BOB}]\n"
        (repository / ".sops.yaml").write_text(f"creation_rules:\n{groups}")
        assert "it would be lost" in cli("encrypt", "new.yaml").stderr
        (repository / ".sops.yaml").write_text(f"creation_rules:\n{groups}".replace(BOB, f"{BOB}, {ALICE}"))
        assert cli("encrypt", "new.yaml").exit_code == 0


class TestNewFiles:
    """What is typed into an editor is on no disk but encrypted."""

    @pytest.mark.skipif(os.name == "nt", reason="the editor is a shell script")
    def test_edit_refuses_before_the_editor_opens(self, repository, cli, tmp_path, monkeypatch):
        editor = tmp_path / "editor"
        editor.write_text(
            f'#!/bin/sh\ntouch {shlex.quote(str(tmp_path / "opened"))}\necho "a: hunter2" > "$1"\n'
        )
        editor.chmod(0o755)
        monkeypatch.setenv("SOPS_EDITOR", str(editor))
        result = cli("edit", "typed.yaml")
        assert result.exit_code == 2
        assert "it would be lost" in result.stderr
        assert not (tmp_path / "opened").exists()
        assert not (repository / "typed.yaml").exists()
        assert cli("edit", "--for-others", "typed.yaml").exit_code == 0
        assert b"hunter2" not in (repository / "typed.yaml").read_bytes()


class TestConvert:
    """Conversion replaces what can be opened by what can't be."""

    def test_to_sealed(self, repository, cli, git, act_as):
        act_as("bob")
        assert cli("encrypt", "new.yaml").exit_code == 0
        before = (repository / "new.yaml").read_bytes()
        command = ("convert", "new.yaml", "--to", "sealed", "--cert", "cert.pem")
        result = cli(*command)
        assert result.exit_code == 2
        assert "it would be lost" in result.stderr
        assert (repository / "new.yaml").read_bytes() == before
        committed(repository, git)
        assert cli(*command).exit_code == 0

    def test_to_sops_for_others(self, repository, cli):
        (repository / "key.pem").write_bytes(key_file("sealing.key"))
        assert cli("seal", "--for-others", "--cert", "cert.pem", "new.yaml").exit_code == 0
        before = (repository / "new.yaml").read_bytes()
        command = ("convert", "new.yaml", "--to", "sops", "--private-key", "key.pem")
        assert "it would be lost" in cli(*command).stderr
        assert (repository / "new.yaml").read_bytes() == before
        assert cli(*command, "--for-others").exit_code == 0
