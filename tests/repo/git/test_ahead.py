"""A history that git lists ahead is the history that it lists when asked, and nothing is left of it."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.histories import fast_import

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.git.ahead import History, history_ahead
from fluxsecrets.repo.git.history import list_changes_of_head, read_blobs


def outcome(ask):
    """What a function returns, or the error that it raises."""
    try:
        return ask()
    except GitError as error:
        return error.message, error.hint, error.path, error.details


def check(folder):
    """Both ways give the same; returns the changes, or the error."""
    repository = find_repository(folder)
    for partial in (False, True):
        with history_ahead(repository) as history:
            found = outcome(lambda history=history, partial=partial: history.changes(partial=partial))
            check_blobs(repository, history, [each.blob for each in found if getattr(each, "blob", None)])
        assert found == outcome(lambda partial=partial: list_changes_of_head(repository, partial=partial))
    return found


def check_blobs(repository, history, names):
    """What was started ahead reads the same, and so does what is started for a second question."""
    for some in (names, names[:1]):
        texts = outcome(lambda some=some: dict(history.blobs(some)))
        assert texts == outcome(lambda some=some: dict(read_blobs(repository, some)))


@pytest.fixture(autouse=True)
def nothing_is_left():
    """No process of ours is left, and no descriptor."""
    if sys.platform != "linux":
        yield
        return
    before = children(), descriptors()
    yield
    assert (children(), descriptors()) == before


def children():
    """The processes that this one started and has not waited for, also those of other tests."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {number for task in tasks for number in task.read_text(encoding="ascii").split()}


def descriptors():
    """How many are open."""
    return len([*Path("/proc/self/fd").iterdir()])


def commit(git, folder, *options):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "change", *options)


@pytest.mark.parametrize("seed", range(4))
def test_generated_histories(tmp_path, committed, git, seed):
    committed({f"{number}.yaml": f"{number}\n" for number in range(6)})
    chance = random.Random(seed)
    for number in range(14):
        files = sorted(tmp_path.glob("*.yaml"))
        action = chance.choice(["change", "add", "rename", "copy", "delete", "branch", "merge", "empty"])
        one = chance.choice(files)
        if action == "change":
            one.write_text(f"{number}\n", encoding="ascii")
        elif action == "add":
            (tmp_path / f"new {number} \xe4.yaml").write_text(f"{number}\n", encoding="ascii")
        elif action == "rename":
            one.rename(tmp_path / f"renamed-{number}.yaml")
        elif action == "copy":
            (tmp_path / f"copy-{number}.yaml").write_bytes(one.read_bytes())
        elif action == "delete" and len(files) > 3:
            one.unlink()
        elif action == "branch":
            git(tmp_path, "checkout", "--quiet", "-b", f"side-{number}", "HEAD~1" if number else "HEAD")
        elif action == "merge":
            others = git(tmp_path, "for-each-ref", "--format=%(refname)", "refs/heads").split()
            git(tmp_path, "merge", "--quiet", "--no-edit", "-s", "ours", chance.choice(others))
        commit(git, tmp_path)
    assert len(check(tmp_path)) >= 6


def test_head_without_a_commit_detached_and_orphaned(tmp_path, committed, git):
    committed({"a.yaml": "1"})
    git(tmp_path, "checkout", "--quiet", "--detach")
    commit(git, tmp_path)
    assert check(tmp_path)
    git(tmp_path, "checkout", "--quiet", "--orphan", "empty")
    assert check(tmp_path) == ()


def test_a_new_repository(tmp_path, git):
    git(tmp_path, "init", "--quiet", ".")
    assert check(tmp_path) == ()


def test_a_broken_head(tmp_path, committed):
    committed({"a.yaml": "1"})
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/broken\n", encoding="ascii")
    (tmp_path / ".git/refs/heads/broken").write_text("0123\n", encoding="ascii")
    assert "cannot be read" in check(tmp_path)[0]


def test_a_shallow_clone(tmp_path, committed, write, git):
    committed({"a.yaml": "1"})
    write({"a.yaml": "2"})
    commit(git, tmp_path)
    clone = tmp_path.parent / f"{tmp_path.name}-clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path}", str(clone))
    with (
        pytest.raises(GitError, match="only the last commits"),
        history_ahead(find_repository(clone)) as history,
    ):
        history.changes(partial=False)
    assert len(check(clone)) == 1


@pytest.mark.parametrize("lost", ["HEAD", "HEAD~1", "HEAD~1^{tree}", "HEAD~1:a.yaml"])
def test_a_missing_object(tmp_path, committed, write, git, lost):
    for text in "123":
        (committed if text == "1" else write)({"a.yaml": text})
        if text != "1":
            commit(git, tmp_path)
    name = git(tmp_path, "rev-parse", lost).strip()
    (tmp_path / f".git/objects/{name[:2]}/{name[2:]}").unlink()
    check(tmp_path)


def test_without_git(tmp_path, committed, monkeypatch):
    committed({"a.yaml": "1"})
    repository = find_repository(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        history_ahead(repository) as history,
        pytest.raises(GitError, match="git is not installed"),
    ):
        history.changes(partial=False)


def test_what_nobody_asks_for_is_ended(tmp_path):
    """The listing is more than a pipe holds: git waits, and would for ever."""
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", str(tmp_path)], check=True)
    fast_import(
        tmp_path,
        ({f"{'long/' * 12}{name}.yaml": f"{number} {name}\n" for name in range(40)} for number in range(60)),
    )
    repository = find_repository(tmp_path)
    with history_ahead(repository):
        pass
    with history_ahead(repository) as history:
        names = [change.blob for change in history.changes(partial=False)]
        half_read = history.blobs(names)
        assert next(half_read)[0] == names[0]
    assert len(check(tmp_path)) == 60 * 40


def test_a_git_that_is_killed_is_started_again(tmp_path, committed, monkeypatch):
    committed({"a.yaml": "1"})
    repository = find_repository(tmp_path)
    expected = list_changes_of_head(repository)
    with history_ahead(repository) as history:
        stream, _ = history._listing
        history._listing = (stream, lambda: False)
        assert history.changes(partial=False) == expected
        assert history.changes(partial=False) == expected
    assert History(repository).changes(partial=False) == expected
