import sys
from pathlib import Path

import pytest

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import find_repository


def test_no_repository(tmp_path):
    assert find_repository(tmp_path) is None


def test_a_file_and_a_missing_path_belong_to_their_folders_repository(tmp_path, committed):
    committed({"a/b.yaml": "x"})
    for start in (tmp_path, tmp_path / "a", tmp_path / "a/b.yaml", tmp_path / "not/there.yaml"):
        found = find_repository(start)
        assert found is not None
        assert found.root == tmp_path.resolve()
        assert found.git_dir == tmp_path.resolve() / ".git"


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
