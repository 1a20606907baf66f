"""Files of a commit in a folder of their own."""

import os

import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.repo.checkout import checked_out, resolve
from fluxsecrets.sops.formats import Limits


def test_the_files_of_a_commit(committed, tmp_path, git):
    open_it = committed({"a.yaml": "a: 1\n", "b/c.txt": "c\n", "same.txt": "c\n", "ü n.txt": "u"})
    (tmp_path / "a.yaml").write_text("a: changed\n")
    repository = open_it().repository
    with checked_out(repository, resolve(repository, "HEAD"), Limits()) as tree:
        assert tree.paths == ("a.yaml", "b/c.txt", "same.txt", "ü n.txt")
        assert tree.read("a.yaml") == b"a: 1\n"
        assert tree.read("same.txt") == b"c\n"
        assert tree.repository is None
        assert os.name == "nt" or tree.root.stat().st_mode & 0o077 == 0
        root = tree.root
    assert not root.exists()
    assert (tmp_path / "a.yaml").read_text() == "a: changed\n"


def test_links_are_links(committed, tmp_path, git):
    open_it = committed({"a.txt": "a"})
    (tmp_path / "folder").symlink_to(tmp_path / "outside")
    git(tmp_path, "add", "folder")
    git(tmp_path, "commit", "--quiet", "--message", "a link")
    repository = open_it().repository
    with checked_out(repository, resolve(repository, "HEAD"), Limits()) as found:
        assert (found.root / "folder").is_symlink()
        assert found.size("folder") is None
        assert found.locate("folder") is None


@pytest.mark.parametrize("name", ["", "nowhere", "--all", "HEAD\n"])
def test_what_is_no_commit(committed, name):
    repository = committed({"a": "a"})().repository
    with pytest.raises(UsageError):
        resolve(repository, name)
