"""Which files differ from HEAD, found without git's filters."""

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.repo.conftest import write_files

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import find_repository, worktree
from fluxsecrets.repo.git.worktree import (
    changed_since_head,
    changed_since_staged,
    changes_since_head,
    compare_with_head,
)


@pytest.fixture(params=["with times", "without times"])
def listing(request, monkeypatch):
    """With a git that says times as ours does, and with one that says them in another way."""
    if request.param == "without times":
        monkeypatch.setattr(worktree, "_RECORD", worktree.re.compile(rb"()no such record()"))


def long_ago(folder, *paths):
    """Files that git looked at long after they were written, so that their times say all."""
    for path in paths:
        os.utime(folder / path, (1_600_000_000, 1_600_000_000))


def git_diff(git, folder):
    """What git itself finds, with its filters."""
    return {
        path for path in git(folder, "diff", "-z", "--name-only", "--no-renames", "HEAD").split("\0") if path
    }


def test_the_same_files_as_git_diff(listing, tmp_path, committed, write, git):
    names = (
        "same",
        "edited",
        "same size",
        "touched",
        "staged",
        "staged and edited",
        "staged and back",
        "gone",
    )
    committed({f"{name}.yaml": "value: 1\n" for name in (*names, "untracked again", "removed", "mode")})
    write({f"{name}.yaml": "value: 22\n" for name in ("staged", "staged and edited", "staged and back")})
    git(tmp_path, "add", ".")
    git(tmp_path, "rm", "--quiet", "--cached", "untracked again.yaml")
    git(tmp_path, "rm", "--quiet", "removed.yaml")
    write(
        {
            "edited.yaml": "value: 22\n",
            "same size.yaml": "value: 2\n",
            "staged and edited.yaml": "value: 333\n",
        }
    )
    write(
        {
            "staged and back.yaml": "value: 1\n",
            "touched.yaml": "value: 1\n",
            "new.yaml": "1",
            "new staged.yaml": "1",
        }
    )
    git(tmp_path, "add", "new staged.yaml")
    git(tmp_path, "add", "--intent-to-add", "new.yaml")
    write({"other.yaml": "1"})
    (tmp_path / "gone.yaml").unlink()
    (tmp_path / "mode.yaml").chmod(0o755)
    repository = find_repository(tmp_path)
    found = changed_since_head(repository)
    expected = {
        "edited.yaml", "same size.yaml", "staged.yaml", "staged and edited.yaml", "new.yaml",
        "new staged.yaml", "other.yaml", "untracked again.yaml",
    }  # fmt: skip
    assert expected <= found
    # Not sure to be unchanged without a filter, or staged; but nothing else.
    assert found <= expected | {"staged and back.yaml"}
    assert git_diff(git, tmp_path) - {"gone.yaml", "removed.yaml", "mode.yaml"} <= found
    every = repository.files()
    assert changed_since_head(repository, every) == found
    for path in every:
        assert changed_since_head(repository, [path]) == found & {path}
    blobs = changes_since_head(repository)
    head = git(tmp_path, "rev-parse", "HEAD:same.yaml").strip()
    assert blobs["new.yaml"] == blobs["other.yaml"] == ""
    assert blobs["edited.yaml"] == blobs["staged.yaml"] == blobs["untracked again.yaml"] == head


def test_a_file_that_changed_within_the_tick_of_the_index_is_looked_at(tmp_path, committed, write):
    """The same size and the same times as in the index say nothing where the index is no younger."""
    committed({"a.yaml": "value: 1\n"})
    index = tmp_path / ".git/index"
    status = (tmp_path / "a.yaml").stat()
    write({"a.yaml": "value: 2\n"})
    os.utime(tmp_path / "a.yaml", ns=(status.st_mtime_ns, status.st_mtime_ns))
    os.utime(index, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert changed_since_head(find_repository(tmp_path)) == {"a.yaml"}


def test_unchanged_files_are_not_read(tmp_path, committed, git, monkeypatch):
    committed({"a.yaml": "1", "b.yaml": "2"})
    long_ago(tmp_path, "a.yaml", "b.yaml")
    git(tmp_path, "update-index", "--refresh")
    monkeypatch.setattr(worktree, "_differs", lambda *_arguments, **_options: pytest.fail("it was read"))
    assert changed_since_head(find_repository(tmp_path)) == frozenset()


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_both_kinds_of_ids(tmp_path, git, write, object_format):
    git(tmp_path, "init", "--quiet", f"--object-format={object_format}", ".")
    write({"same.yaml": "1", "edited.yaml": "1"})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    write({"edited.yaml": "2", "same.yaml": "1"})
    assert changed_since_head(find_repository(tmp_path)) == {"edited.yaml"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_and_what_replaced_a_file(listing, tmp_path, committed):
    committed({"a.yaml": "1", "b.yaml": "1", "c.yaml": "1", "folder/d.yaml": "1"})
    (tmp_path / "same").symlink_to("a.yaml")
    (tmp_path / "other").symlink_to("a.yaml")
    for arguments in (("add", "."), ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "links")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    (tmp_path / "other").unlink()
    (tmp_path / "other").symlink_to("b.yaml")
    for name in ("b.yaml", "c.yaml"):
        (tmp_path / name).unlink()
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    write_files(tmp_path, {"c.yaml/in it.yaml": "1"})
    assert changed_since_head(find_repository(tmp_path)) == {"other", "b.yaml", "c.yaml/in it.yaml"}


def test_a_conflict_counts_as_changed(listing, tmp_path, committed, write, git):
    committed({"a.yaml": "base\n"})
    git(tmp_path, "checkout", "--quiet", "-b", "other")
    write({"a.yaml": "other\n"})
    git(tmp_path, "commit", "--quiet", "--all", "--message", "other")
    git(tmp_path, "checkout", "--quiet", "-")
    write({"a.yaml": "ours\n"})
    git(tmp_path, "commit", "--quiet", "--all", "--message", "ours")
    git(tmp_path, "merge", "--quiet", "other", check=False)
    write({"a.yaml": "ours\n"})
    repository = find_repository(tmp_path)
    assert changed_since_head(repository) == {"a.yaml"}
    assert changed_since_staged(repository, ["a.yaml"]) == {"a.yaml"}


@pytest.mark.parametrize("attributes", ["* text=auto eol=crlf\n", "* text working-tree-encoding=UTF-16\n"])
def test_what_git_checks_out_in_another_form(tmp_path, committed, git, attributes):
    """Untouched since the checkout it is unchanged; touched it counts as changed, which only costs a look."""
    committed({"a.yaml": "1\n2\n"})
    (tmp_path / ".git/info/attributes").write_text(attributes)
    (tmp_path / "a.yaml").unlink()
    git(tmp_path, "checkout", "--quiet", "a.yaml")
    assert (tmp_path / "a.yaml").read_bytes() != b"1\n2\n"
    long_ago(tmp_path, "a.yaml")
    git(tmp_path, "update-index", "--refresh")
    repository = find_repository(tmp_path)
    assert changed_since_head(repository) == frozenset()
    assert changed_since_staged(repository, ["a.yaml"]) == frozenset()
    os.utime(tmp_path / "a.yaml")
    assert changed_since_head(repository) <= {"a.yaml"}


def test_line_ends_alone_are_no_change_since_staging(listing, tmp_path, committed, write, git):
    committed({"a.yaml": "1\n2\n", "b.yaml": "1\n2\n", "c.yaml": "1\n2\n"})
    write({"a.yaml": "1\r\n2\r\n", "b.yaml": "1\r\n3\r\n"})
    (tmp_path / "c.yaml").unlink()
    repository = find_repository(tmp_path)
    assert changed_since_staged(repository, ["a.yaml", "b.yaml", "c.yaml", "d.yaml"]) == {
        "b.yaml",
        "c.yaml",
        "d.yaml",
    }


def test_a_clean_filter_is_not_run_and_what_it_hides_counts(tmp_path, committed, write, git):
    """With a filter that encrypts, the work tree holds plain text that `git diff` calls unchanged."""
    committed({"a.yaml": "plain\n", ".gitattributes": "*.yaml filter=x\n"})
    git(tmp_path, "config", "filter.x.clean", f"touch '{tmp_path / 'ran'}'; echo encrypted")
    git(tmp_path, "add", "--renormalize", ".")
    git(tmp_path, "commit", "--quiet", "--message", "through the filter")
    (tmp_path / "ran").unlink()
    write({"a.yaml": "plain\n"})
    os.utime(tmp_path / "a.yaml", (1, 1))
    assert "a.yaml" in changed_since_head(find_repository(tmp_path))
    assert not (tmp_path / "ran").exists()


def test_more_paths_than_git_is_asked_for_by_name(tmp_path, committed, write):
    names = [f"{number}.yaml" for number in range(worktree._FEW + 50)]
    committed(dict.fromkeys(names, "1"))
    write(dict.fromkeys(names[::7], "2"))
    repository = find_repository(tmp_path)
    assert changed_since_head(repository, names) == set(names[::7])
    assert changed_since_head(repository, names[:10]) == {names[0], names[7]}


def test_what_is_wrong_with_head_comes_before_what_is_wrong_with_the_index(tmp_path, committed):
    committed({"a.yaml": "a: 1\n"})
    repository = find_repository(tmp_path)
    (tmp_path / ".git/index").write_bytes(b"no index")
    with pytest.raises(GitError) as caught:
        changed_since_head(repository)
    assert caught.value.message.startswith("git diff-index failed")


def test_without_a_commit_the_index_does_not_matter(tmp_path, git, write):
    git(tmp_path, "init", "--quiet")
    write({"a.yaml": "a: 1\n"})
    repository = find_repository(tmp_path)
    assert changed_since_head(repository, ["a.yaml"]) == {"a.yaml"}
    (tmp_path / ".git/index").write_bytes(b"no index")
    assert changed_since_head(repository, ["a.yaml"]) == {"a.yaml"}


STATES = ("0", "1", "2", None)


@given(
    st.lists(st.tuples(*[st.sampled_from(STATES)] * 3), min_size=1, max_size=6),
    st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_where_git_has_the_very_content_as_git_says(git, tmp_path_factory, states, born):
    """Each file has a content at HEAD, in the index, and in the work tree, or is not there."""
    folder = tmp_path_factory.mktemp("states")
    git(folder, "init", "--quiet", ".")
    if born:
        place(folder, {f"{number}.yaml": state[0] for number, state in enumerate(states)})
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    place(folder, {f"{number}.yaml": state[1] for number, state in enumerate(states)})
    git(folder, "add", "--all")
    place(folder, {f"{number}.yaml": state[2] for number, state in enumerate(states)})
    there = {f"{number}.yaml": state for number, state in enumerate(states) if state[2] is not None}
    found = compare_with_head(find_repository(folder), there)
    staged = {path for path, state in there.items() if state[1] == state[2]}
    heads = {path: state[0] if born else None for path, state in there.items()}
    assert {path for path, state in there.items() if heads[path] != state[2]} <= found.changed.keys()
    assert found.changed.keys() <= {
        path for path in there if path not in staged or heads[path] != there[path][2]
    }
    assert found.staged == {path for path in staged if path in found.changed}
    assert changes_since_head(find_repository(folder), there) == found.changed


def place(folder, contents):
    """Write files, and remove those without a content."""
    for path, content in contents.items():
        if content is None:
            (folder / path).unlink(missing_ok=True)
        else:
            (folder / path).write_text(f"value: {content}\n")
