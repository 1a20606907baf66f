import pytest

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.git.branch import Branch
from fluxsecrets.repo.git.history import file_versions
from fluxsecrets.repo.git.repository import Repository


def commit(git, folder, message):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD").strip()


def test_no_commit_has_no_versions(tmp_path, git):
    git(tmp_path, "init", "--quiet", ".")
    branch = Branch(find_repository(tmp_path))
    assert branch.commits == ()
    assert branch.versions(["a"]) == ()


def test_versions_of_head_the_last_first(tmp_path, committed, write, git):
    committed({"a.yaml": "1", "other.yaml": "1"})
    write({"a.yaml": "2"})
    second = commit(git, tmp_path, "second")
    git(tmp_path, "checkout", "--quiet", "-b", "side", "HEAD~1")
    write({"a.yaml": "side"})
    side = commit(git, tmp_path, "side")
    git(tmp_path, "checkout", "--quiet", "-")
    (tmp_path / "a.yaml").unlink()
    gone = commit(git, tmp_path, "gone")
    repository = find_repository(tmp_path)
    versions = Branch(repository).versions(["a.yaml"])
    assert [version.commit.id for version in versions][:2] == [gone, second]
    assert versions[0].blob is None
    assert side in {version.commit.id for version in file_versions(repository, ["a.yaml"])}
    assert side not in {version.commit.id for version in versions}


def test_commits_are_listed_once(tmp_path, committed, write, git, monkeypatch):
    committed({"a.yaml": "1", "b.yaml": "1"})
    repository = find_repository(tmp_path)
    asked = []
    run = Repository.run

    def note(self, *arguments, **options):
        asked.append(arguments[0])
        return run(self, *arguments, **options)

    monkeypatch.setattr(Repository, "run", note)
    branch = Branch(repository)
    for paths in (["a.yaml"], ["b.yaml"], ["a.yaml", "b.yaml"], []):
        assert branch.versions(paths) == Branch(repository).versions(paths)
    assert asked.count("rev-list") == 5  # one of the branch, and one of each other
    write({"a.yaml": "2"})
    last = commit(git, tmp_path, "later")
    assert last not in branch.commits  # it is what HEAD led to
    assert Branch(repository).commits == (last, *branch.commits)


def test_a_history_that_is_cut_off_is_refused(tmp_path, committed, write, git):
    committed({"a.yaml": "1"})
    write({"a.yaml": "2"})
    commit(git, tmp_path, "second")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", tmp_path.as_uri(), "shallow")
    repository = find_repository(shallow)
    with pytest.raises(GitError, match="only the last commits"):
        Branch(repository).versions(["a.yaml"])
    assert len(Branch(repository, partial=True).versions(["a.yaml"])) == 1


def test_a_broken_head_is_an_error(tmp_path, committed):
    committed({"a.yaml": "1"})
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/broken\n", encoding="ascii")
    (tmp_path / ".git/refs/heads/broken").write_text("0123\n", encoding="ascii")
    with pytest.raises(GitError, match="HEAD"):
        _ = Branch(find_repository(tmp_path)).commits
