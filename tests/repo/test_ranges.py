"""Ranges of commits, and the default range."""

import pytest

from fluxsecrets.errors import GitError, UsageError
from fluxsecrets.repo.checkout import resolve
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.ranges import range_of, uncommitted
from fluxsecrets.repo.states import INDEX, NOTHING, WORK_TREE, state_of


@pytest.fixture
def repository(committed, tmp_path, git):
    """A branch `feature` with two commits, checked out, beside a `main` that has gone on."""
    found = committed({"a.yaml": "a: 1\n"})().repository
    git(tmp_path, "branch", "--move", "main")
    git(tmp_path, "checkout", "--quiet", "-b", "feature")
    for name in ("b", "c"):
        (tmp_path / name).write_text(name)
        git(tmp_path, "add", name)
        git(tmp_path, "commit", "--quiet", "--message", name)
    git(tmp_path, "checkout", "--quiet", "main")
    (tmp_path / "m").write_text("m")
    git(tmp_path, "add", "m")
    git(tmp_path, "commit", "--quiet", "--message", "m")
    git(tmp_path, "checkout", "--quiet", "feature")
    return found


@pytest.mark.parametrize("text", ["main..HEAD", "main...feature", "main..", None])
def test_commits_since_the_histories_parted(repository, text):
    found = range_of(repository, text, {})
    assert found.before == resolve(repository, "feature~2")
    assert found.after == resolve(repository, "feature")
    assert found.shown in ("main..HEAD", "main..feature")


def test_one_commit(repository):
    assert range_of(repository, "feature~1", {})[1:] == (
        resolve(repository, "feature~2"),
        resolve(repository, "feature~1"),
    )
    assert range_of(repository, "main~1", {}).before == NOTHING
    assert state_of(repository, NOTHING).entries == {}


def test_a_remote_counts_more_than_a_local_branch(repository, tmp_path, git):
    git(tmp_path, "update-ref", "refs/remotes/origin/main", "feature~1")
    assert range_of(repository, None, {}).before == resolve(repository, "feature~1")
    git(tmp_path, "update-ref", "refs/remotes/origin/trunk", "main")
    git(tmp_path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    found = range_of(repository, None, {})
    assert found.before == resolve(repository, "main~1")
    assert found.shown == "origin/HEAD..HEAD"


def test_ci_names_the_target(repository, tmp_path, git):
    git(tmp_path, "update-ref", "refs/remotes/origin/release/1", "feature~1")
    parted = resolve(repository, "feature~1")
    assert range_of(repository, None, {"GITHUB_BASE_REF": "release/1"}).before == parted
    assert range_of(repository, None, {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "release/1"}).before == parted
    assert range_of(repository, None, {"CI_MERGE_REQUEST_DIFF_BASE_SHA": parted}).before == parted
    assert range_of(repository, None, {"GITHUB_BASE_REF": ""}).before == resolve(repository, "main~1")


def test_a_target_that_is_not_fetched_is_no_reason_to_take_another(repository):
    with pytest.raises(UsageError, match="is not in this clone"):
        range_of(repository, None, {"GITHUB_BASE_REF": "nowhere"})


def test_no_branch_to_compare_with(repository, tmp_path, git):
    git(tmp_path, "branch", "--move", "main", "other")
    with pytest.raises(UsageError, match="unknown which branch"):
        range_of(repository, None, {})


def test_what_is_not_committed(repository):
    head = resolve(repository, "HEAD")
    assert uncommitted(repository, staged=True)[1:] == (head, INDEX)
    assert uncommitted(repository, staged=False)[1:] == (head, WORK_TREE)
    assert state_of(repository, INDEX).entries == state_of(repository, head).entries


def test_a_shallow_clone_is_refused(repository, tmp_path, git):
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{tmp_path}", "shallow")
    clone = find_repository(tmp_path / "shallow")
    with pytest.raises(GitError, match="does not have the commits before"):
        range_of(clone, "origin/main..HEAD", {})
    with pytest.raises(GitError, match="does not have the commits before"):
        range_of(clone, "HEAD", {})


def test_a_clone_of_one_commit_has_nothing_to_compare(repository, tmp_path, git):
    git(tmp_path, "checkout", "--quiet", "main")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path}", "shallow")
    clone = find_repository(tmp_path / "shallow")
    with pytest.raises(GitError, match=r"does not have the commits before origin/HEAD\.\.HEAD"):
        range_of(clone, None, {})
    git(tmp_path, "clone", "--quiet", f"file://{tmp_path}", "whole")
    whole = range_of(find_repository(tmp_path / "whole"), None, {})
    assert whole.before == whole.after


def test_a_tag_is_not_taken_for_the_target(repository, tmp_path, git):
    git(tmp_path, "update-ref", "refs/remotes/origin/main", "main")
    git(tmp_path, "tag", "origin/main", "feature")
    git(tmp_path, "tag", "refs/remotes/origin/main", "feature")
    found = range_of(repository, None, {})
    assert found.before == resolve(repository, "feature~2")
    assert found.shown == "origin/main..HEAD"


def test_with_several_common_ancestors_the_target_counts(repository, tmp_path, git):
    git(tmp_path, "checkout", "--quiet", "-b", "other", "feature")
    git(tmp_path, "merge", "--quiet", "--no-edit", "main")
    git(tmp_path, "checkout", "--quiet", "main")
    git(tmp_path, "merge", "--quiet", "--no-edit", "feature")
    bases = git(tmp_path, "merge-base", "--all", "main", "other").split()
    assert len(bases) == 2
    assert range_of(repository, "main..other", {}).before == resolve(repository, "main")
