"""Where git has the plain text of a file."""

import pytest

from ciphertexts import WHOLE
from fluxsecrets.repo.discover import discover
from fluxsecrets.repo.plaincopies import PlainCopy
from fluxsecrets.repo.tree import open_tree

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  password: throwaway\n"
EMPTY = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
REFERENCE = SECRET.replace("throwaway", "${PASSWORD}")
ENCRYPTED = SECRET.replace("throwaway", WHOLE) + f"sops:\n  mac: {WHOLE}\n"


@pytest.mark.parametrize(
    ("head", "staged", "copy"),
    [
        (SECRET, SECRET, PlainCopy.COMMITTED),
        (SECRET.replace("throwaway", "other"), SECRET, PlainCopy.COMMITTED),
        (SECRET.replace("throwaway", "other"), None, PlainCopy.COMMITTED),
        (None, SECRET, PlainCopy.STAGED),
        (ENCRYPTED, SECRET, PlainCopy.STAGED),
        (EMPTY, SECRET, PlainCopy.STAGED),
        (REFERENCE, SECRET, PlainCopy.STAGED),
        (ENCRYPTED, ENCRYPTED, None),
        (EMPTY, EMPTY, None),
        ("", "", None),
        (None, None, None),
    ],
)
def test_where_git_has_the_plain_text(tmp_path, git, write, head, staged, copy):
    git(tmp_path, "init", "--quiet", ".")
    write({"README.md": ""})
    if head is not None:
        write({"db.sops.yaml": head})
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    if staged is not None:
        write({"db.sops.yaml": staged})
        git(tmp_path, "add", "--all")
    write({"db.sops.yaml": SECRET})
    (secret,) = discover(open_tree(tmp_path))
    assert (secret.path, secret.plain_copy) == ("db.sops.yaml", copy)
    assert secret.encrypted_at_head is (head == ENCRYPTED)


def test_an_encrypted_file_has_none(tmp_path, git, write):
    git(tmp_path, "init", "--quiet", ".")
    write({"db.sops.yaml": ENCRYPTED})
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    assert [secret.plain_copy for secret in discover(open_tree(tmp_path))] == [None]
