"""`fluxsecrets keys generate`. Every key here is made for the test and thrown away."""

import re
import sys

import pytest


def test_generate_adds_to_the_key_file_of_sops(waddle, cli, environment, monkeypatch):
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    monkeypatch.setattr("sys.platform", "linux")
    result = cli("keys", "generate")
    assert result.exit_code == 0, result.stderr
    recipient = result.stdout.strip()
    assert re.fullmatch(r"age1[0-9a-z]{58}", recipient)
    path = environment / ".config/sops/age/keys.txt"
    assert f"# public key: {recipient}\n" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "AGE-SECRET-KEY" not in result.stdout + result.stderr
    assert str(path) in result.stderr
    second = cli("keys", "generate").stdout.strip()
    assert second != recipient
    assert path.read_text().count("AGE-SECRET-KEY-") == 2


def test_generate_adds_to_the_file_that_the_variable_names(waddle, cli, identity):
    result = cli("keys", "generate")
    assert result.exit_code == 0
    text = identity.path.read_text()
    assert identity.secret in text
    assert result.stdout.strip() in text


def test_generate_into_a_file_with_a_name(waddle, cli, git):
    result = cli("keys", "generate", "carol", "-o", "carol.agekey")
    assert result.exit_code == 0
    assert (waddle / "keys/carol.pub").read_text() == result.stdout
    assert (waddle / "carol.agekey").stat().st_mode & 0o777 == 0o600
    assert cli("encrypt", "apps/spicedb", "--age", result.stdout.strip()).stdout.count("   carol\n") == 8


def test_private_key_in_the_repository_is_warned_of(waddle, cli):
    result = cli("keys", "generate", "-o", "carol.agekey")
    assert "carol.agekey is in the repository and not ignored by git" in result.stderr
    (waddle / ".gitignore").write_text("*.agekey\n")
    assert "not ignored" not in cli("keys", "generate", "-o", "dave.agekey").stderr


def test_public_key_that_git_ignores_is_warned_of(waddle, cli, environment):
    (waddle / ".gitignore").write_text("*.pub\n")
    result = cli("keys", "generate", "carol", "-o", str(environment / "carol.agekey"))
    assert result.exit_code == 0
    assert "keys/carol.pub is ignored by git" in result.stderr


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "-x", "", "a" * 70, "a\nb", "ключ"])
def test_names_that_are_refused(waddle, cli, identity, git, name):
    before = identity.path.read_text()
    result = cli("keys", "generate", "--", name)
    assert result.exit_code == 2
    assert "cannot name a key" in result.stderr
    assert identity.path.read_text() == before
    assert git(waddle, "status", "--porcelain") == ""


def test_name_that_is_taken(waddle, cli, identity):
    before = identity.path.read_text()
    result = cli("keys", "generate", "alice")
    assert result.exit_code == 2
    assert "keys/alice.pub: this name is taken" in result.stderr
    assert identity.path.read_text() == before


def test_name_outside_of_a_repository(tmp_path, cli, identity, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("keys", "generate", "carol")
    assert result.exit_code == 2
    assert "leave out the name" in result.stderr


def test_file_that_is_no_key_file_is_left_alone(waddle, cli):
    (waddle / "notes.txt").write_text("my notes\n")
    result = cli("keys", "generate", "-o", "notes.txt")
    assert result.exit_code == 2
    assert (waddle / "notes.txt").read_text() == "my notes\n"


def test_quiet_prints_the_public_key_alone(waddle, cli):
    result = cli("keys", "generate", "--quiet", "-o", "carol.agekey")
    assert re.fullmatch(r"age1[0-9a-z]{58}\n", result.stdout)
    assert "warning: " in result.stderr or result.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_key_file_that_others_can_read_is_mentioned_once(folder, cli, identity):
    for name in ("a.yaml", "b.yaml"):
        folder.write(name)
        assert cli("encrypt", name).exit_code == 0
    identity.path.chmod(0o644)
    result = cli("decrypt", "-i", "a.yaml", "b.yaml")
    assert result.exit_code == 0
    assert result.stderr.count("this key file is open to group or others (mode 0644); run chmod 600") == 1
    assert cli("encrypt", "a.yaml", "--quiet").stderr == ""
