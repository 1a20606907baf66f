import os
import subprocess
import sys
from pathlib import Path

import pytest

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.git.worktree import changed_since_head

ODD_NAMES = ["ümlaut.yaml", "with space.yaml", "tab\there.yaml", "new\nline.yaml", '"quoted".yaml', "*.yaml"]


def test_no_repository(tmp_path):
    assert find_repository(tmp_path) is None


def test_a_file_and_a_missing_path_belong_to_their_folders_repository(tmp_path, committed):
    committed({"a/b.yaml": "x"})
    for start in (tmp_path, tmp_path / "a", tmp_path / "a/b.yaml", tmp_path / "not/there.yaml"):
        found = find_repository(start)
        assert found is not None
        assert found.root == tmp_path.resolve()
        assert found.git_dir == tmp_path.resolve() / ".git"


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


def test_a_worktree_is_a_repository_of_its_own(tmp_path, committed, git):
    committed({"a.yaml": "1"})
    other = tmp_path / "other tree"
    git(tmp_path, "worktree", "add", "--quiet", "-b", "side", str(other))
    found = find_repository(other)
    assert found.root == other.resolve()
    assert found.git_dir.parent.name == "worktrees"
    assert found.common_dir == (tmp_path / ".git").resolve()
    assert found.files() == ("a.yaml",)


def test_the_variables_of_a_hook_in_another_repository_are_ignored(tmp_path, write, git, monkeypatch):
    for name in ("hooked", "asked"):
        write({f"{name}/{name}.yaml": "1"})
        git(tmp_path / name, "init", "--quiet", ".")
    monkeypatch.chdir(tmp_path / "hooked")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    monkeypatch.setenv("GIT_WORK_TREE", ".")
    assert find_repository(tmp_path / "asked").files() == ("asked.yaml",)
    assert find_repository(tmp_path / "hooked").files() == ("hooked.yaml",)


def test_git_dir_counts_where_nothing_else_is_found(tmp_path, write, git, monkeypatch):
    work = tmp_path / "work"
    write({"work/a.yaml": "1"})
    git(tmp_path, "init", "--quiet", "--bare", "elsewhere")
    monkeypatch.chdir(work)
    monkeypatch.setenv("GIT_DIR", "../elsewhere")
    monkeypatch.setenv("GIT_WORK_TREE", ".")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "false")
    found = find_repository(work)
    monkeypatch.chdir(tmp_path)
    assert found.files() == ("a.yaml",)
    assert find_repository(tmp_path.parent) is None


@pytest.mark.skipif(sys.platform == "win32", reason="the hook is a shell script")
@pytest.mark.parametrize("arguments", [[], ["--all"], ["new.yaml"]], ids=["staged", "all", "only"])
@pytest.mark.parametrize("linked", [False, True], ids=["main", "worktree"])
def test_inside_a_hook_the_index_is_the_one_of_the_commit(tmp_path, committed, git, write, linked, arguments):
    committed({"a.yaml": "1", ".gitignore": "report.txt\ntree/\n"})
    place = tmp_path
    if linked:
        place = tmp_path / "tree"
        git(tmp_path, "worktree", "add", "--quiet", "-b", "side", str(place))
    script = (
        "from pathlib import Path\n"
        "from fluxsecrets.repo.git import find_repository\n"
        "from fluxsecrets.repo.git.worktree import changed_since_head\n"
        f"r = find_repository(Path({str(place)!r}))\n"
        "Path('report.txt').write_text('\\n'.join((*r.files(), '-', *sorted(changed_since_head(r)))))\n"
    )
    hook = tmp_path / ".git/hooks/pre-commit"
    source = Path(__file__).parents[2] / "src"
    hook.write_text(f"#!/bin/sh\nPYTHONPATH='{source}' '{sys.executable}' - <<'EOT' || exit 1\n{script}EOT\n")
    hook.chmod(0o755)
    write({"new.yaml": "2"}, place)
    git(place, "add", "new.yaml")
    git(place, "commit", "--quiet", "--message", "second", *arguments)
    assert (place / "report.txt").read_text().split("\n") == [
        ".gitignore",
        "a.yaml",
        "new.yaml",
        "-",
        "new.yaml",
    ]


def test_git_is_missing(tmp_path, committed, monkeypatch):
    committed({"a.yaml": "1"})
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(GitError) as caught:
        find_repository(tmp_path)
    assert "install git" in caught.value.hint


def test_without_git_and_without_a_repository_there_is_nothing_to_miss(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert find_repository(tmp_path) is None


def test_the_inside_of_a_git_folder_is_refused(tmp_path, committed):
    committed({"a.yaml": "1"})
    with pytest.raises(GitError, match="bare repository"):
        find_repository(tmp_path / ".git")


def test_dubious_ownership_says_how_to_trust_the_folder(tmp_path, committed, monkeypatch):
    committed({"a.yaml": "1"})
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GitError) as caught:
        find_repository(tmp_path)
    assert "safe.directory" in caught.value.hint


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
