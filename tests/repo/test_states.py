"""States of a repository, and what differs between two."""

import subprocess

import pytest

from fluxsecrets.errors import GitError
from fluxsecrets.repo.checkout import resolve
from fluxsecrets.repo.states import (
    INDEX,
    NOTHING,
    WORK_TREE,
    changes,
    commit_state,
    index_state,
    no_state,
    work_tree_state,
)


@pytest.fixture
def repository(committed):
    return committed({"a.yaml": "a: 1\n", "b/c.txt": "c\n", "gone.txt": "gone\n"})().repository


def differing(before, after):
    return [(change.path, change.old_path) for change in changes(before, after)]


def test_a_commit_and_nothing(repository):
    state = commit_state(repository, resolve(repository, "HEAD"))
    assert sorted(state.entries) == ["a.yaml", "b/c.txt", "gone.txt"]
    assert no_state().name == NOTHING
    assert differing(no_state(), state) == [("a.yaml", None), ("b/c.txt", None), ("gone.txt", None)]


def test_what_differs_between_commits(repository, tmp_path, git):
    before = commit_state(repository, resolve(repository, "HEAD"))
    (tmp_path / "a.yaml").write_text("a: 2\n")
    git(tmp_path, "mv", "b/c.txt", "d.txt")
    git(tmp_path, "rm", "--quiet", "gone.txt")
    git(tmp_path, "commit", "--quiet", "--all", "--message", "second")
    after = commit_state(repository, resolve(repository, "HEAD"))
    assert differing(before, after) == [
        ("a.yaml", "a.yaml"),
        ("d.txt", "b/c.txt"),
        ("gone.txt", "gone.txt"),
    ]
    assert [change.after for change in changes(before, after)][2] is None


def test_a_file_that_becomes_a_link_differs(repository, tmp_path, git):
    before = commit_state(repository, resolve(repository, "HEAD"))
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "a.yaml").symlink_to("b/c.txt")
    git(tmp_path, "commit", "--quiet", "--all", "--message", "a link")
    after = commit_state(repository, resolve(repository, "HEAD"))
    assert differing(before, after) == [("a.yaml", "a.yaml")]


def test_the_index_and_the_work_tree(repository, tmp_path, git):
    head = commit_state(repository, resolve(repository, "HEAD"))
    (tmp_path / "a.yaml").write_text("a: 2\n")
    git(tmp_path, "add", "a.yaml")
    (tmp_path / "b/c.txt").write_text("changed\n")
    (tmp_path / "new.txt").write_text("new\n")
    (tmp_path / "gone.txt").unlink()
    assert index_state(repository).name == INDEX
    assert differing(head, index_state(repository)) == [("a.yaml", "a.yaml")]
    found = work_tree_state(repository)
    assert found.name == WORK_TREE
    assert differing(head, found) == [
        ("a.yaml", "a.yaml"),
        ("b/c.txt", "b/c.txt"),
        ("gone.txt", "gone.txt"),
        ("new.txt", None),
    ]


def test_an_index_with_conflicts_is_refused(repository, tmp_path, git):
    git(tmp_path, "checkout", "--quiet", "-b", "other")
    (tmp_path / "a.yaml").write_text("a: 2\n")
    git(tmp_path, "commit", "--quiet", "--all", "--message", "theirs")
    git(tmp_path, "checkout", "--quiet", "-")
    (tmp_path / "a.yaml").write_text("a: 3\n")
    git(tmp_path, "commit", "--quiet", "--all", "--message", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        git(tmp_path, "merge", "other")
    with pytest.raises(GitError, match="conflicts from a merge"):
        index_state(repository)


def test_what_a_sparse_checkout_leaves_out_was_not_removed(repository, tmp_path, git):
    git(tmp_path, "sparse-checkout", "set", "--no-cone", "/*", "!/b/")
    assert not (tmp_path / "b/c.txt").exists()
    (tmp_path / "gone.txt").unlink()
    head = commit_state(repository, resolve(repository, "HEAD"))
    assert differing(head, work_tree_state(repository)) == [("gone.txt", "gone.txt")]
