"""`files.staging`: new contents are named where git does not see them, and killed runs leave nothing."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from filesystems import NEW, OLD, linux_only, names, posix_only, temporary_files
from fluxsecrets.errors import FileAccessError
from fluxsecrets.files import staging as staging_module
from fluxsecrets.files import swap, system, writing
from fluxsecrets.files.deadfolders import remove_dead_folders
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.staging import staging
from fluxsecrets.files.writing import PendingWrite, write_atomic, write_batch, write_new

pytestmark = posix_only


@pytest.fixture
def tree(tmp_path):
    """A work tree with a folder in it."""
    root = tmp_path / "tree"
    (root / ".git").mkdir(parents=True)
    (root / "apps").mkdir()
    (root / "apps" / "secret.yaml").write_bytes(OLD)
    return root


def state(tree):
    return tree / ".git" / "fluxsecrets"


def test_the_name_is_in_a_private_folder_in_gits_own(tree):
    target = tree / "apps" / "secret.yaml"
    with staging() as name:
        temp = name(target)
        assert temp.parent.parent == state(tree)
        assert stat.S_IMODE(temp.parent.stat().st_mode) == 0o700
        assert name(tree / "other.yaml").parent == temp.parent
        assert name(target) != temp
        temp.write_bytes(NEW)
    assert names(state(tree)) == []


def test_a_worktree_has_its_own(tree):
    other = tree.parent / "other"
    other.mkdir()
    (tree / ".git" / "worktrees" / "other").mkdir(parents=True)
    (other / ".git").write_text(f"gitdir: {tree}/.git/worktrees/other\n")
    with staging() as name:
        assert name(other / "a").is_relative_to(tree / ".git" / "worktrees" / "other" / "fluxsecrets")


def test_without_git_it_is_in_the_users_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with staging() as name:
        assert name(tmp_path / "a").parent.parent == tmp_path / "state" / "fluxsecrets"


@pytest.mark.parametrize(
    "kind", ["a link", "open to others", "another's", "a file", "another disk", "windows"]
)
def test_what_is_not_ours_is_not_used(tree, tmp_path, monkeypatch, kind):
    target = tree / "apps" / "secret.yaml"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "a link":
        state(tree).symlink_to(elsewhere)
    elif kind == "a file":
        state(tree).touch()
    else:
        state(tree).mkdir()
        state(tree).chmod(0o777 if kind == "open to others" else 0o700)
    if kind == "another's":
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    elif kind == "another disk":
        real = staging_module._make
        monkeypatch.setattr(staging_module, "_make", lambda folder: replace(real(folder), device=0))
    elif kind == "windows":
        monkeypatch.setattr(system, "WINDOWS", True)
    with staging() as name:
        assert name(target).parent == target.parent
    assert names(elsewhere) == []


@pytest.mark.parametrize("unnamed", [True, False])
@pytest.mark.parametrize("swaps", [True, False])
def test_every_writer_leaves_the_work_tree_and_the_stage_clean(tree, monkeypatch, unnamed, swaps):
    if not unnamed:
        monkeypatch.setattr(system, "O_TMPFILE", 0)
    if not swaps:
        monkeypatch.setattr(swap, "_exchange", lambda **_: None)
    target = tree / "apps" / "secret.yaml"
    write_atomic(target, NEW, expected=read_file(target, limit=100))
    write_atomic(tree / "apps" / "other.yaml", NEW)
    write_new(tree / "apps" / "new.yaml", NEW)
    writes = [PendingWrite(target, OLD, None, read_file(target, limit=100))]
    writes += [PendingWrite(tree / "apps" / f"{number}.yaml", NEW, new=True) for number in range(3)]
    assert all(result.written for result in write_batch(writes))
    assert target.read_bytes() == OLD
    assert names(tree / "apps") == ["0.yaml", "1.yaml", "2.yaml", "new.yaml", "other.yaml", "secret.yaml"]
    assert not state(tree).exists() or names(state(tree)) == []


@linux_only
def test_a_new_file_never_has_another_name(tree, monkeypatch):
    monkeypatch.setattr(writing, "temporary_path", None)
    monkeypatch.setattr("fluxsecrets.files.staging.temporary_path", None)
    write_new(tree / "one.yaml", NEW)
    write_atomic(tree / "two.yaml", NEW)
    assert write_batch([PendingWrite(tree / "three.yaml", NEW, new=True)])[0].written


def test_a_folder_that_is_mounted_on_its_own_is_written_from_beside(tree, monkeypatch):
    def other_mount(function):
        def call(source, destination, *args, **kwargs):
            if Path(source).parts[:2] != ("/", "proc") and Path(source).parent != Path(destination).parent:
                raise OSError(18, "Invalid cross-device link")
            return function(source, destination, *args, **kwargs)

        return call

    for name in ("link", "rename", "replace"):
        monkeypatch.setattr(os, name, other_mount(getattr(os, name)))
    monkeypatch.setattr(swap, "_exchange", lambda **_: None)
    for unnamed in (system.O_TMPFILE, 0):
        monkeypatch.setattr(system, "O_TMPFILE", unnamed)
        target = tree / "apps" / "secret.yaml"
        target.write_bytes(OLD)
        write_atomic(target, NEW, expected=read_file(target, limit=100))
        write_new(tree / "apps" / f"new{unnamed}.yaml", NEW)
        assert target.read_bytes() == NEW
        assert temporary_files(tree / "apps") == []


class Killed(BaseException):
    """Ends a run; nothing on disk is changed after it."""


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_kill_leaves_nothing_in_the_work_tree_and_the_next_run_cleans_the_rest(tree, monkeypatch, unnamed):
    if not unnamed:
        monkeypatch.setattr(system, "O_TMPFILE", 0)

    def killed(*args, **kwargs):
        raise Killed

    target = tree / "apps" / "secret.yaml"
    content = read_file(target, limit=100)
    with monkeypatch.context() as patch:
        for name in ("unlink", "replace", "rmdir"):
            patch.setattr(os, name, killed)
        patch.setattr(swap, "_exchange", lambda **_: killed)
        with pytest.raises(Killed):
            write_atomic(target, NEW, expected=content)
    assert names(tree / "apps") == ["secret.yaml"]
    (left,) = state(tree).iterdir()
    assert [path.read_bytes() for path in left.iterdir()] == [NEW]
    assert remove_dead_folders([str(state(tree))]).deleted == (left,)


def test_a_stage_that_cannot_be_deleted_fails_no_write(tree, monkeypatch):
    def fail(folder, lock):
        os.close(lock)
        raise FileAccessError("could not be deleted")

    monkeypatch.setattr("fluxsecrets.files.staging.remove_locked", fail)
    target = tree / "apps" / "secret.yaml"
    write_atomic(target, NEW, expected=read_file(target, limit=100))
    assert target.read_bytes() == NEW
