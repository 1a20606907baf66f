"""Whether a clone may have hooks is told without git, and never "no" where it has some."""

import pytest

from fluxsecrets.ops.hooks.model import HOOKS
from fluxsecrets.ops.hooks.order import LEGACY, OLD
from fluxsecrets.ops.hooks.present import NAMES, may_have_hooks


@pytest.fixture
def clone(environment, git, tmp_path):
    path = tmp_path / "clone"
    path.mkdir()
    git(path, "init", "--quiet")
    return path


def test_the_names_are_those_of_the_hooks():
    assert NAMES == HOOKS


def test_a_clone_without_hooks_has_none(clone):
    (clone / "below").mkdir()
    assert not may_have_hooks(str(clone))
    assert not may_have_hooks(str(clone / "below"))
    for path in (clone / ".git" / "hooks").iterdir():
        path.unlink()
    (clone / ".git" / "hooks").rmdir()
    assert not may_have_hooks(str(clone))


def test_without_a_clone_there_are_none(environment, tmp_path):
    assert not may_have_hooks(str(tmp_path))


@pytest.mark.parametrize("name", [f"{hook}{suffix}" for hook in HOOKS for suffix in ("", LEGACY, OLD)])
def test_every_hook_may_be_ours(clone, name):
    folder = clone / ".git" / "hooks"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("made by `fluxsecrets hook install`\n", encoding="utf-8")
    assert may_have_hooks(str(clone))


def test_what_is_no_plain_clone_is_left_to_git(clone, git, monkeypatch, tmp_path):
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "empty")
    git(clone, "worktree", "add", "--quiet", str(tmp_path / "worktree"))
    assert may_have_hooks(str(tmp_path / "worktree"))
    (clone / ".git" / "refs").rename(tmp_path / "refs")
    assert may_have_hooks(str(clone))
    (tmp_path / "refs").rename(clone / ".git" / "refs")
    assert not may_have_hooks(str(clone))
    monkeypatch.setenv("GIT_DIR", str(clone / ".git"))
    assert may_have_hooks(str(clone))
