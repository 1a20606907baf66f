import os
import subprocess
import sys

import pytest

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.git.worktree import changed_since_head

ODD_NAMES = ["ümlaut.yaml", "with space.yaml", "tab\there.yaml", "new\nline.yaml", '"quoted".yaml', "*.yaml"]


def test_files_are_what_git_tracks_or_would(tmp_path, committed, write, git):
    committed({".gitignore": "ignored/\n*.log\n", "kept.yaml": "1", "gone.yaml": "2", "forced.log": "3"})
    git(tmp_path, "add", "--force", "forced.log")
    git(tmp_path, "commit", "--quiet", "--message", "an ignored file that is tracked")
    (tmp_path / "gone.yaml").unlink()
    write({"new.yaml": "4", "ignored/secret.yaml": "5", "other.log": "6", "staged/a.yaml": "7"})
    git(tmp_path, "add", "staged")
    repository = find_repository(tmp_path)
    assert repository.files() == (".gitignore", "forced.log", "kept.yaml", "new.yaml", "staged/a.yaml")
    assert repository.files(["staged"]) == ("staged/a.yaml",)
    with repository.files_begun() as listed:
        assert listed() == repository.files()


def test_a_folder_is_no_pattern(tmp_path, committed):
    committed({"a*/x.yaml": "1", "ab/x.yaml": "2"})
    assert find_repository(tmp_path).files(["a*"]) == ("a*/x.yaml",)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_odd_names_survive_listing_diff_and_blobs(tmp_path, committed, write):
    committed(dict.fromkeys(ODD_NAMES, "at head"))
    write(dict.fromkeys(ODD_NAMES, "changed"))
    repository = find_repository(tmp_path)
    assert set(repository.files()) == set(ODD_NAMES)
    assert changed_since_head(repository) == set(ODD_NAMES)
    assert repository.read_head_blobs(ODD_NAMES).contents == dict.fromkeys(ODD_NAMES, b"at head")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are no UTF-8")
def test_names_that_are_no_utf8_become_surrogate_escapes(tmp_path, committed):
    name = os.fsdecode(b"caf\xe9.yaml")
    committed({name: "x"})
    repository = find_repository(tmp_path)
    assert repository.files() == (name,)
    assert repository.read_head_blobs([name]).contents == {name: b"x"}


def test_submodules_and_repositories_inside_are_left_out(tmp_path, committed, write, git):
    committed({"a.yaml": "1"})
    for name in ("module", "inside"):
        write({f"{name}/b.yaml": "2"})
        git(tmp_path / name, "init", "--quiet", ".")
        git(tmp_path / name, "add", ".")
        git(tmp_path / name, "commit", "--quiet", "--message", "other")
    git(tmp_path, "add", "module")
    repository = find_repository(tmp_path)
    assert repository.files() == ("a.yaml",)
    assert changed_since_head(repository) <= {"module"}
    inner = find_repository(tmp_path / "module")
    assert inner.root == tmp_path.resolve() / "module"
    assert inner.files() == ("b.yaml",)


def test_a_conflict_lists_a_file_once(tmp_path, committed, write, git):
    committed({"a.yaml": "base\n"})
    git(tmp_path, "checkout", "--quiet", "-b", "other")
    write({"a.yaml": "other\n"})
    git(tmp_path, "commit", "--quiet", "--all", "--message", "other")
    git(tmp_path, "checkout", "--quiet", "-")
    write({"a.yaml": "ours\n"})
    git(tmp_path, "commit", "--quiet", "--all", "--message", "ours")
    git(tmp_path, "merge", "--quiet", "other", check=False)
    assert find_repository(tmp_path).files() == ("a.yaml",)


def test_changes_are_modified_staged_and_untracked_files(tmp_path, committed, write, git):
    committed({"same.yaml": "1", "modified.yaml": "1", "deleted.yaml": "1", "touched.yaml": "1"})
    write({"modified.yaml": "2", "staged.yaml": "1", "untracked.yaml": "1", "touched.yaml": "1"})
    git(tmp_path, "add", "staged.yaml")
    (tmp_path / "deleted.yaml").unlink()
    os.utime(tmp_path / "touched.yaml", (0, 0))
    assert changed_since_head(find_repository(tmp_path)) == {
        "modified.yaml",
        "staged.yaml",
        "untracked.yaml",
    }


def test_without_a_commit_everything_is_new(tmp_path, write, git):
    git(tmp_path, "init", "--quiet", ".")
    write({"a.yaml": "1"})
    repository = find_repository(tmp_path)
    assert repository.files() == ("a.yaml",)
    assert changed_since_head(repository) == {"a.yaml"}
    assert repository.read_head_blobs(["a.yaml"]).contents == {}


def test_a_damaged_head_is_an_error_and_not_an_empty_repository(tmp_path, committed, git):
    committed({"a.yaml": "1"})
    branch = git(tmp_path, "symbolic-ref", "HEAD").strip()
    (tmp_path / ".git" / branch).write_text("this is no object name\n")
    repository = find_repository(tmp_path)
    with pytest.raises(GitError) as caught:
        changed_since_head(repository)
    assert "git fsck" in caught.value.hint


def test_head_blobs(tmp_path, committed, write):
    committed({"a.yaml": b"old\n\x00\xff", "empty.yaml": b"", "big.bin": b"x" * 2000, "folder/c.yaml": b"3"})
    write({"a.yaml": "new", "new.yaml": "5"})
    blobs = find_repository(tmp_path).read_head_blobs(
        ["a.yaml", "big.bin", "empty.yaml", "folder", "folder/c.yaml", "new.yaml"], limit=1000
    )
    assert blobs.contents == {"a.yaml": b"old\n\x00\xff", "empty.yaml": b"", "folder/c.yaml": b"3"}
    assert blobs.too_large == {"big.bin"}
    assert "old" not in repr(blobs)


def test_a_blob_that_is_gone_is_an_error_and_not_a_new_file(tmp_path, committed, git):
    committed({"a.yaml": "1", "b.yaml": "2"})
    name = git(tmp_path, "rev-parse", "HEAD:a.yaml").strip()
    gone = tmp_path / ".git/objects" / name[:2] / name[2:]
    gone.chmod(0o600)
    gone.unlink()
    with pytest.raises(GitError) as caught:
        find_repository(tmp_path).read_head_blobs(["a.yaml", "b.yaml"])
    assert caught.value.path == "a.yaml"


def test_a_damaged_blob_is_an_error(tmp_path, committed, git):
    committed({"a.yaml": "1"})
    name = git(tmp_path, "rev-parse", "HEAD:a.yaml").strip()
    damaged = tmp_path / ".git/objects" / name[:2] / name[2:]
    damaged.chmod(0o600)
    damaged.write_bytes(b"rubbish")
    with pytest.raises(GitError):
        find_repository(tmp_path).read_head_blobs(["a.yaml"])


def test_no_lock_is_taken(tmp_path, committed, write):
    committed({"a.yaml": "1", "b.yaml": "1"})
    write({"a.yaml": "2"})
    os.utime(tmp_path / "b.yaml", (0, 0))
    before = (tmp_path / ".git/index").read_bytes()
    (tmp_path / ".git/index.lock").touch()
    assert changed_since_head(find_repository(tmp_path)) == {"a.yaml"}
    assert (tmp_path / ".git/index").read_bytes() == before


def test_configured_programs_are_not_run(tmp_path, committed, write, git):
    committed({"a.yaml": "1", ".gitattributes": "*.yaml diff=evil\n"})
    trap = f"touch '{tmp_path / 'trapped'}'; cat"
    for name in ("diff.external", "diff.evil.command", "diff.evil.textconv", "core.fsmonitor"):
        git(tmp_path, "config", name, trap)
    write({"a.yaml": "2"})
    repository = find_repository(tmp_path)
    assert changed_since_head(repository) == {"a.yaml"}
    assert "a.yaml" in repository.files()
    assert not (tmp_path / "trapped").exists()


def test_the_process_environment_is_left_alone(tmp_path, committed):
    committed({"a.yaml": "1"})
    before = dict(os.environ)
    find_repository(tmp_path).files()
    assert dict(os.environ) == before


def test_git_speaks_english_whatever_the_locale(tmp_path, monkeypatch):
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / ".git").mkdir()  # git is asked, and finds it to be none
    assert find_repository(tmp_path) is None
    assert subprocess.run(["git", "--version"], capture_output=True, check=True).stdout
