"""`encrypt --staged`: what is staged becomes ciphertext in the index, and nothing else is staged or lost."""

import os

import pytest

OTHER = "hunter3-throwaway"


@pytest.fixture
def staged(folder, git):
    """The folder as a repository with a commit, and a way to look at what is staged."""
    git(folder.path, "init", "--quiet")
    folder.write("README.md", "# a repository\n")
    folder.git = lambda *args: git(folder.path, *args)
    folder.git("add", "--all")
    folder.git("commit", "--quiet", "--message", "start")
    folder.staged = lambda name: folder.git("cat-file", "blob", f":{name}").encode()
    return folder


def add(folder, name="secret.yaml", content=None):
    folder.write(name, content or folder.secret)
    folder.git("add", name)


def test_what_is_staged_is_encrypted_and_the_working_copy_follows(staged, cli):
    add(staged)
    result = cli("encrypt", "--staged")
    assert result.exit_code == 0, result.stderr
    assert "secret.yaml" in result.stdout
    assert b"ENC[" in staged.staged("secret.yaml")
    assert staged.read("secret.yaml") == staged.staged("secret.yaml")
    assert staged.git("status", "--porcelain") == "A  secret.yaml\n"
    assert not staged.leaks(staged.staged("secret.yaml"), result.stdout, result.stderr)
    assert cli("decrypt", "secret.yaml").stdout == staged.secret


def test_a_partly_staged_file_keeps_its_other_changes(staged, cli):
    add(staged)
    more = staged.secret + f"  other: {OTHER}\n"
    staged.write("secret.yaml", more)
    result = cli("encrypt", "--staged")
    assert result.exit_code == 0, result.stderr
    assert staged.read("secret.yaml").decode() == more
    blob = staged.staged("secret.yaml")
    assert b"ENC[" in blob
    assert b"other" not in blob
    assert "`fluxsecrets encrypt secret.yaml` before you stage them" in result.stderr
    assert not staged.leaks(blob, result.stderr)
    staged.git("commit", "--quiet", "--message", "a secret")
    # Then the rest: what did not change keeps its ciphertext.
    assert cli("encrypt", "secret.yaml").exit_code == 0
    line = next(line for line in blob.splitlines() if b"password:" in line)
    assert line in staged.read("secret.yaml")


def test_what_is_not_staged_is_left_alone(staged, cli):
    add(staged)
    staged.write("later.yaml")
    before = staged.state("later.yaml")
    assert cli("encrypt", "--staged").exit_code == 0
    assert staged.state("later.yaml") == before
    assert staged.git("diff", "--cached", "--name-only") == "secret.yaml\n"


def test_a_working_copy_that_was_encrypted_but_not_staged_is_taken_as_it_is(staged, cli):
    add(staged)
    assert cli("encrypt", "secret.yaml").exit_code == 0
    encrypted = staged.read("secret.yaml")
    assert cli("encrypt", "--staged").exit_code == 0
    assert staged.read("secret.yaml") == encrypted
    assert not staged.leaks(staged.staged("secret.yaml"))


def test_a_working_copy_that_is_gone_stays_gone(staged, cli):
    add(staged)
    (staged.path / "secret.yaml").unlink()
    assert cli("encrypt", "--staged").exit_code == 0
    assert b"ENC[" in staged.staged("secret.yaml")
    assert not (staged.path / "secret.yaml").exists()


def test_names_modes_and_folders_are_kept(staged, cli, monkeypatch):
    name = "apps/ä b/tab\tsecret.yaml" if os.name != "nt" else "apps/ä b/secret.yaml"
    add(staged, name)
    staged.git("update-index", "--chmod=+x", name)
    monkeypatch.chdir(staged.path / "apps")
    result = cli("encrypt", "--staged")
    assert result.exit_code == 0, result.stderr
    assert staged.git("ls-files", "-z", "--stage", "apps").startswith("100755 ")
    assert b"ENC[" in staged.staged(name)


def test_before_the_first_commit(folder, git, cli):
    git(folder.path, "init", "--quiet")
    folder.write("secret.yaml")
    git(folder.path, "add", "secret.yaml")
    assert cli("encrypt", "--staged").exit_code == 0
    assert not folder.leaks(git(folder.path, "cat-file", "blob", ":secret.yaml"))


def test_line_ends_that_git_converts(staged, cli):
    staged.write(".gitattributes", "*.yaml text eol=crlf\n")
    add(staged, content=staged.secret.replace("\n", "\r\n"))
    assert b"\r" not in staged.staged("secret.yaml")
    assert cli("encrypt", "--staged").exit_code == 0
    assert b"\r" not in staged.staged("secret.yaml")
    assert staged.read("secret.yaml") == staged.staged("secret.yaml").replace(b"\n", b"\r\n")
    assert staged.git("status", "--porcelain", "secret.yaml") == "A  secret.yaml\n"


def test_a_file_that_head_has_encrypted(staged, cli):
    staged.write("token.txt", f"{staged.marker}\n")
    assert cli("encrypt", "token.txt").exit_code == 0
    staged.git("add", "token.txt")
    staged.git("commit", "--quiet", "--message", "encrypted")
    encrypted = staged.read("token.txt")
    add(staged, "token.txt", f"{staged.marker}\n")
    staged.write("token.txt", encrypted)  # the working copy is HEAD's, only what is staged is plain
    assert cli("encrypt", "--staged").exit_code == 0
    assert not staged.leaks(staged.staged("token.txt"))


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_nothing_is_written_when_asked_only(staged, cli, option):
    add(staged)
    before = staged.git("ls-files", "--stage")
    result = cli("encrypt", "--staged", option)
    assert result.exit_code == (1 if option == "--check" else 0)
    assert "would encrypt" in result.stdout
    assert staged.git("ls-files", "--stage") == before
    assert staged.read("secret.yaml").decode() == staged.secret


def test_one_that_cannot_be_encrypted_does_not_stop_the_others(staged, cli):
    add(staged, "bad.yaml", staged.secret + "stringData: {}\n")
    add(staged)
    result = cli("encrypt", "--staged")
    assert result.exit_code == 2
    assert "bad.yaml" in result.stderr
    assert b"ENC[" in staged.staged("secret.yaml")
    assert staged.read("bad.yaml").decode() == staged.secret + "stringData: {}\n"


def test_a_conflict_is_said(staged, cli):
    add(staged)
    staged.git("commit", "--quiet", "--message", "plain")
    staged.git("checkout", "--quiet", "-b", "other")
    add(staged, content=staged.secret.replace("db", "one"))
    staged.git("commit", "--quiet", "--message", "one")
    staged.git("checkout", "--quiet", "-")
    add(staged, content=staged.secret.replace("db", "two"))
    staged.git("commit", "--quiet", "--message", "two")
    with pytest.raises(AssertionError):
        staged.git("merge", "--quiet", "other")
    result = cli("encrypt", "--staged")
    assert result.exit_code == 2
    assert "has conflicts from a merge" in result.stderr


def test_nothing_staged_is_said(staged, cli):
    result = cli("encrypt", "--staged")
    assert result.exit_code == 0
    assert "0 files" in result.stderr


def test_it_wants_no_other_files(staged, cli):
    assert cli("encrypt", "--staged", "secret.yaml").exit_code == 2
    assert cli("encrypt", "--staged", "--stdout").exit_code == 2


def test_outside_of_a_repository(folder, cli):
    result = cli("encrypt", "--staged")
    assert result.exit_code == 2
    assert "nothing is staged" in result.stderr
