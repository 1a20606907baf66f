"""What every commit made of files."""

import subprocess

import pytest

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.git.branch import Branch
from fluxsecrets.repo.git.history import (
    file_versions,
    list_changes,
    list_changes_of_head,
    merge_base,
    read_blobs,
)
from fluxsecrets.repo.keyhistory import last_changed


def commit(git, folder, message, *options):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message, *options)
    return git(folder, "rev-parse", "HEAD").strip()


def test_no_commit_has_no_versions(tmp_path, git):
    git(tmp_path, "init", "--quiet", ".")
    repository = find_repository(tmp_path)
    assert file_versions(repository) == ()


def test_versions_of_all_branches_the_oldest_first(tmp_path, committed, write, git):
    committed({"a.yaml": "1", "other.yaml": "1"})
    write({"a.yaml": "2"})
    commit(git, tmp_path, "second")
    git(tmp_path, "checkout", "--quiet", "-b", "side", "HEAD~1")
    write({"a.yaml": "side"})
    side = commit(
        git, tmp_path, "side", "--author=Jörg <j@example.invalid>", "--date=2026-01-02T03:04:05+1400"
    )
    git(tmp_path, "tag", "kept")
    git(tmp_path, "checkout", "--quiet", "-")
    git(tmp_path, "branch", "--quiet", "-D", "side")
    (tmp_path / "a.yaml").unlink()
    gone = commit(git, tmp_path, "gone")
    repository = find_repository(tmp_path)
    versions = file_versions(repository, ["a.yaml"])
    contents = dict(read_blobs(repository, {version.blob for version in versions if version.blob}))
    texts = [contents.get(version.blob) for version in versions]
    assert sorted(texts, key=str) == sorted([b"1", b"2", b"side", None], key=str)
    assert texts[0] == b"1"
    assert texts.index(b"2") < texts.index(None)
    found = {version.commit.id: version for version in versions}
    assert found[gone].before
    assert (found[side].commit.author, str(found[side].commit.day)) == ("Jörg", "2026-01-02")


def test_changes_of_head_are_all_changes_where_head_has_a_commit(tmp_path, committed, write, git):
    committed({"a.yaml": "1", "b.yaml": "1"})
    for number in range(12):  # sides that were left and joined, all of the same second
        branch = f"side-{number % 3}"
        git(tmp_path, "checkout", "--quiet", *(["-b"] if number < 3 else []), branch)
        write({f"{branch}.yaml": str(number)})
        commit(git, tmp_path, f"{number}")
    git(tmp_path, "merge", "--quiet", "--no-edit", "side-0", "side-1")
    repository = find_repository(tmp_path)
    assert len(list_changes(repository)) >= 14
    for place in (("side-1",), ("--detach", "side-2~1"), ("--orphan", "empty")):
        git(tmp_path, "checkout", "--quiet", *place)
        found = list_changes_of_head(repository)
        assert found == (list_changes(repository) if repository.has_head() else ())
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/broken\n", encoding="ascii")
    (tmp_path / ".git/refs/heads/broken").write_text("0123\n", encoding="ascii")
    with pytest.raises(GitError):
        list_changes_of_head(repository)


def test_more_paths_than_a_command_line_holds(tmp_path, committed):
    committed({"a.yaml": "1", "keys/bob.pub": "1", "keys2/bob.pub": "1", "other.yaml": "1"})
    paths = ["a.yaml", "keys", *(f"missing/{number:0100d}.yaml" for number in range(400))]
    found = file_versions(find_repository(tmp_path), paths)
    assert {each.path for each in found} == {"a.yaml", "keys/bob.pub"}


def test_what_a_merge_made_of_a_file_counts(tmp_path, committed, write, git):
    committed({"a.yaml": "1"})
    git(tmp_path, "checkout", "--quiet", "-b", "side")
    write({"b.yaml": "side"})
    commit(git, tmp_path, "side")
    git(tmp_path, "checkout", "--quiet", "-")
    write({"c.yaml": "main"})
    commit(git, tmp_path, "main")
    git(tmp_path, "merge", "--quiet", "--no-commit", "side")
    write({"a.yaml": "only in the merge"})
    merge = commit(git, tmp_path, "merge")
    repository = find_repository(tmp_path)
    versions = [version for version in file_versions(repository) if version.commit.id == merge]
    assert [(version.path, len(version.before)) for version in versions] == [("a.yaml", 2)]
    assert list(last_changed(Branch(repository), ["a.yaml", "nothing.yaml"])) == ["a.yaml"]


def test_a_side_that_was_given_up_counts(tmp_path, committed, write, git):
    """What `git log -- PATH` leaves out: a merge that took nothing of a branch."""
    committed({"a.yaml": "1"})
    git(tmp_path, "checkout", "--quiet", "-b", "side")
    write({"a.yaml": "plain"})
    side = commit(git, tmp_path, "side")
    git(tmp_path, "checkout", "--quiet", "-")
    git(tmp_path, "merge", "--quiet", "--strategy=ours", "side", "--message", "merge")
    git(tmp_path, "branch", "--quiet", "-D", "side")
    versions = file_versions(find_repository(tmp_path), ["a.yaml"])
    assert side in {version.commit.id for version in versions}


@pytest.mark.parametrize(
    "header",
    [
        "author broken\ncommitter t <t@t> 1700000000 +0000\n",
        "author t <t@t> 99999999999999999999 +9999\ncommitter t <t@t> x -0000\n",
        "author \xff <t@t> 1700000000 +0000\ncommitter t <t@t> 1700000000 +0000\nencoding no-such\n",
        "author a <b> <t@t> 1700000000 -1200\ncommitter t <t@t> 1700000000 +00\n",
    ],
)
def test_a_commit_with_broken_lines_is_not_lost(tmp_path, committed, git, header):
    committed({"a.yaml": "1"})
    tree = git(tmp_path, "rev-parse", "HEAD^{tree}").strip()
    raw = f"tree {tree}\n{header}\nmessage\n".encode("latin-1")
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        cwd=tmp_path, input=raw, capture_output=True, check=True,
    )  # fmt: skip
    git(tmp_path, "update-ref", "refs/heads/broken", made.stdout.decode().strip())
    versions = file_versions(find_repository(tmp_path), ["a.yaml"])
    assert made.stdout.decode().strip() in {version.commit.id for version in versions}


def test_a_branch_that_is_broken_is_an_error(tmp_path, committed):
    committed({"a.yaml": "1"})
    (tmp_path / ".git/refs/heads/broken").write_text("1" * 40 + "\n")
    with pytest.raises(GitError):
        file_versions(find_repository(tmp_path))


def test_where_histories_part(tmp_path, committed, git):
    repository = committed({"a": "a"})().repository
    first = git(tmp_path, "rev-parse", "HEAD").strip()
    git(tmp_path, "checkout", "--quiet", "-b", "other")
    assert merge_base(repository, first, commit(git, tmp_path, "b")) == first
    git(tmp_path, "checkout", "--quiet", "--orphan", "unrelated")
    assert merge_base(repository, first, commit(git, tmp_path, "c")) is None
