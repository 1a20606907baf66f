"""Every command of git that merges, with the driver: what is merged decrypts, all else is a conflict."""

import subprocess

import pytest

from .conftest import merge, secret, two_branches


@pytest.fixture
def branches(repository, git, encrypt):
    """`main` has a new password, and `other` a new token."""
    two_branches(
        repository, git, encrypt, secret(), secret(password="throwaway-2"), secret(token="throwaway-3")
    )
    return repository


BOTH = secret(password="throwaway-2", token="throwaway-3")


def plain(cli, name="secret.yaml"):
    result = cli("decrypt", name)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def checkout(git, repository, *names):
    git(repository.path, "checkout", "--quiet", *names)


def test_a_rebase_merges_each_commit(branches, git, encrypt, cli):
    checkout(git, branches, "other")
    encrypt(secret(token="throwaway-4"))
    encrypt(secret(token="throwaway-4", username="throwaway-5"))
    assert merge(branches, "rebase", "main").returncode == 0
    assert plain(cli) == secret("throwaway-5", "throwaway-2", "throwaway-4")
    for number, token in ((1, "throwaway-4"), (2, "throwaway-3")):
        checkout(git, branches, f"other~{number}")
        assert plain(cli) == secret(password="throwaway-2", token=token)


def test_cherry_pick_and_revert(branches, git, cli):
    assert merge(branches, "cherry-pick", "other").returncode == 0
    assert plain(cli) == BOTH
    assert merge(branches, "revert", "--no-edit", "HEAD~1").returncode == 0
    assert plain(cli) == secret(token="throwaway-3")


def test_stash_pop(branches, git, encrypt, cli):
    before = (branches.path / "secret.yaml").read_bytes()
    encrypt(secret(password="throwaway-2", token="throwaway-3"))
    git(branches.path, "reset", "--quiet", "--mixed", "HEAD~1")
    git(branches.path, "stash")
    assert (branches.path / "secret.yaml").read_bytes() == before
    encrypt(secret(username="throwaway-4", password="throwaway-2"))
    assert merge(branches, "stash", "pop").returncode == 0
    assert plain(cli) == secret("throwaway-4", "throwaway-2", "throwaway-3")


def test_an_octopus_merge_fails_since_git_uses_no_driver_there(branches, git, encrypt, cli):
    checkout(git, branches, "-b", "third", "other~1")
    encrypt(secret(username="throwaway-4"))
    checkout(git, branches, "main")
    assert merge(branches, "merge", "--no-edit", "other", "third").returncode != 0
    git(branches.path, "reset", "--quiet", "--hard")
    assert plain(cli) == secret(password="throwaway-2")


@pytest.mark.parametrize("option", ["ours", "theirs"])
def test_a_side_that_git_is_told_to_prefer_is_still_a_conflict(branches, git, encrypt, option):
    checkout(git, branches, "other")
    encrypt(secret(password="throwaway-4"))
    checkout(git, branches, "main")
    assert merge(branches, "merge", "-X", option, "--no-edit", "other").returncode == 1
    assert "<<<<<<< HEAD" in (branches.path / "secret.yaml").read_text(encoding="utf-8")


def test_rerere_leaves_the_conflict(branches, git, encrypt, cli):
    git(branches.path, "config", "rerere.enabled", "true")
    checkout(git, branches, "other")
    encrypt(secret(password="throwaway-4"))
    checkout(git, branches, "main")
    assert merge(branches, "merge", "other").returncode == 1
    git(branches.path, "checkout", "--theirs", "secret.yaml")
    git(branches.path, "commit", "--quiet", "--all", "--message", "theirs")
    git(branches.path, "reset", "--quiet", "--hard", "HEAD~1")
    again = merge(branches, "merge", "other")
    assert again.returncode == 1
    assert "git rerere" in again.stderr
    assert "<<<<<<< HEAD" in (branches.path / "secret.yaml").read_text(encoding="utf-8")


def test_a_merge_without_a_work_tree(branches, git, cli):
    tree = merge(branches, "merge-tree", "--write-tree", "main", "other")
    assert tree.returncode == 0
    git(branches.path, "read-tree", "-u", "--reset", tree.stdout.strip())
    assert plain(cli) == BOTH


def test_a_file_that_one_side_renamed(branches, git, cli):
    git(branches.path, "mv", "secret.yaml", "renamed.yaml")
    git(branches.path, "commit", "--quiet", "--message", "rename")
    assert merge(branches, "merge", "--no-edit", "other").returncode == 0
    assert plain(cli, "renamed.yaml") == BOTH


def test_a_file_whose_mode_one_side_changed(branches, git, cli):
    git(branches.path, "update-index", "--chmod=+x", "secret.yaml")
    git(branches.path, "commit", "--quiet", "--message", "mode")
    git(branches.path, "checkout", "--", "secret.yaml")
    assert merge(branches, "merge", "--no-edit", "other").returncode == 0
    assert plain(cli) == BOTH
    assert git(branches.path, "ls-files", "--stage", "secret.yaml").startswith("100755")


def test_a_file_that_one_side_deleted_is_left_to_git(branches, git):
    git(branches.path, "rm", "--quiet", "secret.yaml")
    git(branches.path, "commit", "--quiet", "--message", "delete")
    assert merge(branches, "merge", "--no-edit", "other").returncode == 1
    assert git(branches.path, "status", "--short").startswith("DU secret.yaml")


def test_a_file_that_both_sides_added(repository, git, encrypt, cli):
    checkout(git, repository, "-b", "other")
    encrypt(secret())
    checkout(git, repository, "main")
    encrypt(secret())
    ours = (repository.path / "secret.yaml").read_bytes()
    assert merge(repository, "merge", "--no-edit", "other").returncode == 0
    assert plain(cli) == secret()
    assert (
        ours.partition(b"sops:")[0] == (repository.path / "secret.yaml").read_bytes().partition(b"sops:")[0]
    )


def criss_cross(repository, git, encrypt, resolve):
    """Both sides merged the other's first commit, and went on."""
    first, second = git(repository.path, "rev-parse", "main", "other").split()
    for branch, other in (("main", second), ("other", first)):
        checkout(git, repository, branch)
        merge(repository, "merge", "--no-edit", other)
        resolve()
    checkout(git, repository, "other")


def test_several_merge_bases_are_merged_first(branches, git, encrypt, cli):
    criss_cross(branches, git, encrypt, lambda: None)
    encrypt(secret("throwaway-user", "throwaway-2", "throwaway-6"))
    checkout(git, branches, "main")
    encrypt(secret("throwaway-7", "throwaway-2", "throwaway-3"))
    merged = merge(branches, "merge", "--no-edit", "other")
    assert (merged.returncode, merged.stderr) == (0, "")
    assert plain(cli) == secret("throwaway-7", "throwaway-2", "throwaway-6")


def test_a_conflict_of_several_merge_bases_is_none_if_both_sides_agree(branches, git, encrypt, cli):
    checkout(git, branches, "other")
    encrypt(secret(password="throwaway-4"))
    version = git(branches.path, "rev-parse", "other").strip()

    def resolve():
        git(branches.path, "checkout", version, "--", "secret.yaml")
        git(branches.path, "commit", "--quiet", "--allow-empty", "--all", "--message", "as theirs")

    criss_cross(branches, git, encrypt, resolve)
    encrypt(secret(password="throwaway-4", token="throwaway-6"))
    checkout(git, branches, "main")
    encrypt(secret(password="throwaway-4", username="throwaway-7"))
    merged = merge(branches, "merge", "--no-edit", "other")
    assert (merged.returncode, merged.stderr) == (0, "")
    assert plain(cli) == secret("throwaway-7", "throwaway-4", "throwaway-6")


def test_a_linked_work_tree(branches, git, cli, tmp_path, monkeypatch):
    git(branches.path, "worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "third", "main")
    monkeypatch.chdir(tmp_path / "linked")
    branches.path = tmp_path / "linked"
    assert merge(branches, "merge", "--no-edit", "other").returncode == 0
    assert plain(cli) == BOTH


def test_nothing_of_git_holds_plain_text(branches, git, encrypt):
    assert merge(branches, "merge", "--no-edit", "other").returncode == 0
    command = ["git", "cat-file", "--batch-all-objects", "--batch", "--unordered"]
    objects = subprocess.run(command, cwd=branches.path, capture_output=True, check=True).stdout
    assert b"ENC[" in objects
    assert b"throwaway" not in objects
    files = [path for path in (branches.path / ".git").rglob("*") if path.is_file()]
    assert not any(b"throwaway" in path.read_bytes() for path in files)
