"""What git-crypt unlocked is plain in the work tree alone; `scan` and `status` agree on it."""

import pytest
from tests.cli.conftest import SECRET

SEALED = b"\0GITCRYPT\0" + bytes(range(256)) * 2
PATH = "secrets/db.yaml"


@pytest.fixture
def unlocked(folder, git):
    """A repository whose index has a ciphertext of git-crypt, with the plain file in the work tree."""
    git(folder.path, "init", "--quiet", "--initial-branch", "main")
    folder.git = lambda *args: git(folder.path, *args)
    folder.write(PATH, SEALED)
    folder.git("add", PATH)
    folder.write(".gitattributes", "secrets/** filter=git-crypt diff=git-crypt\n")
    folder.git("commit", "--quiet", "--message", "sealed")
    folder.git("config", "filter.git-crypt.clean", '"git-crypt" clean')
    folder.write(PATH, SECRET)
    return folder


def codes(cli):
    return [cli(*args).exit_code for args in (("scan",), ("scan", PATH), ("encrypt", "--check", PATH))]


def test_an_unlocked_file_is_no_finding(unlocked, cli):
    assert codes(cli)[:2] == [0, 0]
    assert PATH not in cli("status").stdout
    assert cli("scan", "--staged").exit_code == 0
    assert cli("scan", "--history").exit_code == 0


def test_a_copy_of_it_is_one(unlocked, cli):
    unlocked.write("copy.yaml", SECRET)
    assert cli("scan").exit_code == 1
    assert "copy.yaml" in cli("status").stdout


def no_filter(folder):
    folder.git("config", "--unset", "filter.git-crypt.clean")


def other_filter(folder):
    folder.git("config", "filter.git-crypt.clean", "cat")


def no_attribute(folder):
    folder.write(".gitattributes", "")


def staged_plain(folder):
    no_filter(folder)
    folder.git("add", PATH)
    folder.git("config", "filter.git-crypt.clean", '"git-crypt" clean')


@pytest.mark.parametrize("spoil", [no_filter, other_filter, no_attribute, staged_plain])
def test_where_git_would_store_it_plain_it_is_one(unlocked, cli, spoil):
    spoil(unlocked)
    assert codes(cli) == [1, 1, 1]
    assert PATH in cli("status").stdout
