import os
import re
import sys

import pytest

from fluxsecrets.errors import FileAccessError, LimitError
from fluxsecrets.repo.tree import make_tree, normalise, open_tree, walk_files
from fluxsecrets.sops.formats import Limits

links = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege on Windows")


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("a.yaml", "", "a.yaml"),
        ("./a//b/../c.yaml", "x/y", "x/y/a/c.yaml"),
        ("../../base", "apps/db", "base"),
        ("../..", "apps/db", ""),
        (".", "", ""),
        ("../../..", "apps/db", None),
        ("../../../other", "apps/db", None),
        ("/etc/passwd", "", None),
    ],
)
def test_normalise(path, folder, expected):
    assert normalise(path, folder) == expected


def test_walk_skips_what_is_nobodys_source(tmp_path, write):
    write({"a.yaml": "1", ".hidden/b.yaml": "2"})
    write({f"x/{name}/c.yaml": "3" for name in (".git", "node_modules", ".terraform", ".venv")})
    assert walk_files(tmp_path) == (".hidden/b.yaml", "a.yaml")


def test_below_a_folder(tree_of):
    tree = tree_of({"a/1": "", "a/b/2": "", "a-b/3": "", "a.yaml": "", "ab/4": ""})
    assert tree.below("a") == ("a/1", "a/b/2")
    assert tree.below("a/b") == ("a/b/2",)
    assert tree.below("nothing") == ()
    assert tree.below("") == tree.paths == tuple(sorted(tree.paths))
    assert tree.folders == {"", "a", "a/b", "a-b", "ab"}


def test_open_tree_from_below_is_the_whole_repository(tmp_path, committed, write):
    committed({"a.yaml": "1", "x/b.yaml": "2", ".gitignore": "no.yaml"})
    write({"no.yaml": "3"})
    tree = open_tree(tmp_path / "x/b.yaml")
    assert tree.root == tmp_path.resolve()
    assert tree.paths == (".gitignore", "a.yaml", "x/b.yaml")
    assert tree.repository is not None


def test_open_tree_without_git_is_the_folder(tmp_path, write):
    write({"a.yaml": "1", "x/b.yaml": "2"})
    assert open_tree(tmp_path / "x").paths == ("b.yaml",)
    assert open_tree(tmp_path / "x/b.yaml").paths == ("b.yaml",)
    assert open_tree(tmp_path).repository is None


def test_reading_is_bounded(tree_of):
    tree = tree_of({"a": "0123456789", "b": "01234567890"}, limits=Limits(size=10))
    assert tree.read("a") == b"0123456789"
    assert tree.read("b", tail=3) == b"890"
    assert tree.read("b", head=2) == b"01"
    assert tree.search("b", re.compile(rb"90$"))
    assert not tree.search("b", re.compile(rb"99"))
    with pytest.raises(LimitError) as caught:
        tree.read("b")
    assert caught.value.path == "b"


def test_what_is_gone_is_an_error_with_its_name(tree_of):
    tree = tree_of({"a": "1"})
    (tree.root / "a").unlink()
    for look in (tree.read, tree.size):
        with pytest.raises(FileAccessError) as caught:
            look("a")
        assert caught.value.path == "a"


@links
def test_links_are_never_read_and_located_inside_only(tmp_path, write):
    write({"root/base/a.yaml": "1", "root/b.yaml": "2", "outside/c.yaml": "3"})
    root = tmp_path / "root"
    (root / "link").symlink_to("base")
    (root / "out").symlink_to("../outside")
    (root / "link.yaml").symlink_to("b.yaml")
    (root / "out.yaml").symlink_to("../outside/c.yaml")
    (root / "loop").symlink_to("loop")
    tree = make_tree(root, walk_files(root))
    assert tree.locate("link") == "base"
    assert tree.locate("link/a.yaml") == "base/a.yaml"
    assert tree.locate("link.yaml") == "b.yaml"
    assert tree.locate("base") == "base"
    for path in ("out", "out/c.yaml", "out.yaml", "nothing", "loop", "loop/x"):
        assert tree.locate(path) is None, path
    for path in ("link.yaml", "out.yaml"):
        assert tree.size(path) is None
        with pytest.raises(FileAccessError):
            tree.read(path)


@links
def test_files_behind_a_folder_that_became_a_link_are_gone(tmp_path, committed, write):
    opened = committed({"config/a.yaml": "1", "b.yaml": "2"})
    write({"elsewhere/a.yaml": "not ours"}, tmp_path.parent / f"{tmp_path.name}-other")
    (tmp_path / "config/a.yaml").unlink()
    (tmp_path / "config").rmdir()
    (tmp_path / "config").symlink_to(tmp_path.parent / f"{tmp_path.name}-other/elsewhere")
    assert "config/a.yaml" not in opened().paths


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_does_not_block(tmp_path, write):
    write({"a.yaml": "1"})
    os.mkfifo(tmp_path / "pipe.yaml")
    tree = make_tree(tmp_path, walk_files(tmp_path))
    assert tree.size("pipe.yaml") is None
    with pytest.raises(FileAccessError):
        tree.read("pipe.yaml")
