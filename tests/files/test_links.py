"""Links inside the repository are followed, and others are refused."""

from pathlib import Path

import pytest

from filesystems import LIMIT, NEW, OLD, posix_only
from fluxsecrets.errors import FileAccessError
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_atomic


def test_a_path_resolves_to_the_real_file(tmp_path):
    (tmp_path / "apps").mkdir()
    assert resolve_inside(tmp_path / "apps" / ".." / "a.yaml", tmp_path) == tmp_path.resolve() / "a.yaml"


def test_a_relative_path_starts_at_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve_inside(Path("a.yaml"), Path()) == tmp_path.resolve() / "a.yaml"


@posix_only
def test_a_link_inside_is_written_through_and_stays(tmp_path, target):
    link = tmp_path / "link.yaml"
    link.symlink_to("secret.yaml")
    real = resolve_inside(link, tmp_path)
    write_atomic(real, NEW)
    assert link.is_symlink()
    assert target.read_bytes() == NEW
    assert not target.is_symlink()


@posix_only
@pytest.mark.parametrize("where", ["file", "folder", "dangling"])
def test_a_link_that_leaves_the_root_is_refused(tmp_path, where):
    root, outside = tmp_path / "repo", tmp_path / "elsewhere"
    root.mkdir()
    outside.mkdir()
    (outside / "a.yaml").write_bytes(OLD)
    if where == "folder":
        (root / "apps").symlink_to(outside)
        path = root / "apps" / "a.yaml"
    else:
        path = root / "a.yaml"
        path.symlink_to(outside / ("a.yaml" if where == "file" else "missing.yaml"))
    with pytest.raises(FileAccessError, match="a link that leaves the repository") as caught:
        resolve_inside(path, root)
    assert caught.value.hint
    assert caught.value.path == str(path)


@pytest.mark.parametrize("path", ["../other.yaml", "../repo-too/a.yaml"])
def test_a_path_outside_of_the_root_is_refused(tmp_path, path):
    root = tmp_path / "repo"
    root.mkdir()
    with pytest.raises(FileAccessError, match="outside of the repository"):
        resolve_inside(root / path, root)


@posix_only
def test_a_loop_of_links_is_no_endless_walk(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(FileAccessError, match="link"):
        read_file(resolve_inside(tmp_path / "a", tmp_path), limit=LIMIT)


@posix_only
def test_a_root_that_is_reached_over_a_link_is_still_the_root(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    expected = (tmp_path / "real" / "a.yaml").resolve()
    assert resolve_inside(tmp_path / "alias" / "a.yaml", tmp_path / "alias") == expected


def test_another_spelling_of_the_root_is_recognised_by_the_folder_itself(tmp_path, monkeypatch):
    # What a file system without upper and lower case does: names differ, the folder is one.
    (tmp_path / "Repo").mkdir()
    (tmp_path / "repo").mkdir(exist_ok=True)
    same = Path.samefile
    monkeypatch.setattr(
        Path,
        "samefile",
        lambda self, other: str(self).lower() == str(other).lower() or same(self, other),
    )
    real = resolve_inside(tmp_path / "Repo" / "a.yaml", tmp_path / "repo")
    assert real == (tmp_path / "Repo" / "a.yaml").resolve()
