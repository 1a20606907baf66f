"""The commit hooks refuse an encrypted file whose MAC is wrong, where an identity is at hand."""

import os
import shutil
import subprocess

import pytest

SECRETS = "apps/cloudnative-pg/overlays/staging/secrets.yaml"


@pytest.fixture
def repository(encrypted_waddle, git):
    """The encrypted example; `change` changes a plain value of an encrypted file, and stages it."""

    def change(path=SECRETS, old="namespace: ", new="namespace: x"):
        file = encrypted_waddle / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        git(encrypted_waddle, "add", path)

    return change


@pytest.mark.parametrize("hook", ["pre-commit", "pre-merge-commit"])
def test_a_wrong_mac_is_refused(repository, cli, hook):
    repository()
    done = cli("hook", "run", hook)
    assert done.exit_code == 2
    assert f"{SECRETS}: the MAC does not match" in done.stderr
    assert done.stderr.rstrip().endswith(f"the {'commit' if hook == 'pre-commit' else 'merge'} was refused")


@pytest.mark.parametrize("held", [0, 2**20])
@pytest.mark.parametrize(
    "begin", ["# a\n", "\ufeff# a\n", "# \u00e4\n"], ids=["plain", "with a mark", "not ASCII"]
)
def test_what_the_scan_has_read_and_parsed_is_judged_as_if_it_were_read_anew(
    repository, cli, encrypted_waddle, git, monkeypatch, held, begin
):
    """Its comments are encrypted, so that the scan parses it as sops does."""
    monkeypatch.setattr("fluxsecrets.ops.checks.scanstaged._HELD", held)
    file = encrypted_waddle / SECRETS
    text = begin + file.read_text(encoding="utf-8")
    assert "type:comment]" in text
    file.write_text(text, encoding="utf-8")
    git(encrypted_waddle, "add", "--all")
    done = cli("hook", "run", "pre-commit", "--verbose")
    assert (done.exit_code, "MACs of encrypted files: 1 checked" in done.stderr) == (0, True)
    file.write_text(text.replace("namespace: ", "namespace: x", 1), encoding="utf-8")
    git(encrypted_waddle, "add", "--all")
    assert f"{SECRETS}: the MAC does not match" in cli("hook", "run", "pre-commit").stderr


def test_a_staged_file_is_read_and_parsed_once(repository, cli, monkeypatch):
    from fluxsecrets.sops.formats.yaml import YamlFormat

    parse, parsed = YamlFormat.parse, []
    monkeypatch.setattr(YamlFormat, "parse", lambda *args: parsed.append(args) or parse(*args))
    asked = []
    monkeypatch.setattr(
        "fluxsecrets.repo.git.repository.Repository.read_objects",
        lambda _, names, **__: asked.extend(names) or iter(()),
    )
    repository()
    assert "the MAC does not match" in cli("hook", "run", "pre-commit").stderr
    assert (len(parsed), asked) == (1, [])


def test_what_the_pre_commit_framework_names_is_checked_too(repository, cli):
    repository()
    assert "the MAC does not match" in cli("hook", "run", "pre-commit", SECRETS).stderr


def test_a_file_that_was_changed_as_it_should_be_passes(repository, cli, encrypted_waddle, git):
    assert cli("set", SECRETS, "stringData.new", "--document", "1", "--generate", "hex").exit_code == 0
    git(encrypted_waddle, "add", "--all")
    done = cli("hook", "run", "pre-commit")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "MACs of encrypted files: 1 checked" in cli("hook", "run", "pre-commit", "--verbose").stderr


def test_without_an_identity_nothing_is_said_unless_asked(repository, cli, monkeypatch, tmp_path):
    repository()
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "none"))
    done = cli("hook", "run", "pre-commit")
    assert (done.exit_code, done.stderr) == (0, "")
    said = cli("hook", "run", "pre-commit", "-v").stderr
    assert "0 checked, 1 not: no identity at hand opens them" in said


def test_no_command_of_the_user_runs_for_it(repository, cli, monkeypatch, tmp_path):
    repository()
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SOPS_AGE_KEY_CMD", f"touch {tmp_path / 'ran'}")
    assert cli("hook", "run", "pre-commit").exit_code == 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(shutil.which("sh") is None, reason="sh is not on PATH: hooks are not tried")
def test_a_merge_of_a_branch_that_changed_a_file_by_hand_is_refused(repository, cli, encrypted_waddle, git):
    """git merges the change of a plain value and a comment as text, without a conflict."""
    assert cli("hook", "install", "pre-merge-commit").exit_code == 0
    text = (encrypted_waddle / SECRETS).read_text(encoding="utf-8")
    branch = git(encrypted_waddle, "symbolic-ref", "--short", "HEAD").strip()
    git(encrypted_waddle, "checkout", "--quiet", "-b", "by-hand")
    repository()
    git(encrypted_waddle, "commit", "--quiet", "--no-verify", "--message", "by hand")
    git(encrypted_waddle, "checkout", "--quiet", branch)
    (encrypted_waddle / SECRETS).write_text(f"# ours\n{text}", encoding="utf-8")
    git(encrypted_waddle, "commit", "--quiet", "--all", "--no-verify", "--message", "ours")
    done = subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@waddle.example", "merge", "--no-edit", "by-hand"],
        cwd=encrypted_waddle,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "the MAC does not match" in done.stderr
    assert "the merge was refused" in done.stderr


@pytest.mark.parametrize("name", ["x.sops.yaml", "x.sops.json", "x.sops.env", "x.sops.ini"])
@pytest.mark.parametrize("with_key", [True, False])
def test_conflict_markers_in_an_encrypted_file_are_refused(
    folder, cli, git, name, with_key, monkeypatch, tmp_path
):
    """In every format, and without an identity."""
    text = {"yaml": "a: 1\n", "json": '{\n  "a": "1"\n}\n', "env": "A=1\n", "ini": "[s]\na = 1\n"}[name[7:]]
    git(folder.path, "init", "--quiet")
    folder.write(name, text)
    assert cli("encrypt", "--age", folder.recipient, name).exit_code == 0
    file = folder.path / name
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "ENC[" in line)
    lines[at : at + 1] = ["<<<<<<< ours\n", lines[at], "=======\n", lines[at], ">>>>>>> theirs\n"]
    file.write_text("".join(lines), encoding="utf-8")
    git(folder.path, "add", name)
    if not with_key:
        monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "none"))
    done = cli("hook", "run", "pre-commit")
    assert done.exit_code == 2
    assert "conflict markers" in done.stderr
    assert f"`fluxsecrets resolve {name}`" in done.stderr


def test_a_guide_that_shows_a_conflict_is_not_refused(encrypted_waddle, cli, git):
    shown = (encrypted_waddle / SECRETS).read_text(encoding="utf-8")
    guide = f"# Conflicts\n\n```yaml\n<<<<<<< ours\n{shown}=======\n{shown}>>>>>>> theirs\n```\n"
    (encrypted_waddle / "guide.md").write_text(guide, encoding="utf-8")
    git(encrypted_waddle, "add", "guide.md")
    assert cli("hook", "run", "pre-commit").exit_code == 0


def test_a_new_file_that_no_pattern_covers_is_named_where_others_are_covered(encrypted_waddle, cli, git):
    shutil.copy(encrypted_waddle / SECRETS, encrypted_waddle / "apps" / "new-thing.yaml")
    git(encrypted_waddle, "add", "apps")
    assert cli("hook", "run", "pre-commit").stderr == ""
    assert cli("hook", "install", "drivers").exit_code == 0
    assert cli("hook", "run", "pre-commit").stderr == ""
    shutil.copy(encrypted_waddle / SECRETS, encrypted_waddle / "apps" / "other.yaml")
    git(encrypted_waddle, "add", "apps")
    done = cli("hook", "run", "pre-commit")
    assert done.exit_code == 0
    assert "no pattern in .gitattributes covers apps/other.yaml" in done.stderr
    assert "`fluxsecrets hook install drivers`" in done.stderr


def test_links_and_large_files_that_the_framework_names_are_left_to_the_scan(folder, cli, git):
    git(folder.path, "init", "--quiet")
    (folder.path / "large.bin").write_bytes(b"\0" * (17 * 2**20))
    names = ["large.bin"]
    if os.name != "nt":
        (folder.path / "link").symlink_to("large.bin")
        names.append("link")
    git(folder.path, "add", "--all")
    done = cli("hook", "run", "pre-commit", *names)
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["MOST", "MOST_BYTES"])
def test_what_is_too_much_is_said_not_to_be_checked(repository, cli, monkeypatch, name):
    repository()
    monkeypatch.setattr(f"fluxsecrets.ops.checks.stagedmacs.{name}", 0)
    done = cli("hook", "run", "pre-commit")
    assert done.exit_code == 0
    assert "MACs that were not checked, since there are too many: 1; `fluxsecrets audit`" in done.stderr
