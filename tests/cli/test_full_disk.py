"""A full disk is called a full disk, whatever is written: files, keys, hooks, the journal, a baseline."""

import errno
import os
import stat

import pytest
from tests.conftest import commit_all

SPACE = "hint: free some space, then run the same command again"
WRITERS = [
    ("encrypt", "plain.yaml"),
    ("encrypt", "-o", "out.yaml", "plain.yaml"),
    ("decrypt", "-i", "db.yaml"),
    ("decrypt", "-o", "out.yaml", "db.yaml"),
    ("set", "db.yaml", "stringData.password", "--generate", "hex:16"),
    ("rotate", "db.yaml"),
    ("rotate", "--all"),
    ("recipients", "remove", "bob"),
    ("convert", "--to", "plain", "db.yaml"),
    ("keys", "generate"),
    ("keys", "export", "alice", "--plain", "-o", "kept.txt"),
    ("hook", "install"),
    ("scan", "--update-baseline"),
    ("recipients", "report", "bob", "--done", "db.yaml"),
]
SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{password: throwaway-{name}}}\n"
)


@pytest.fixture
def root(tmp_path, cli, act_as, monkeypatch):
    """A repository with two encrypted Secrets and a plain one; the test is alice."""
    root = tmp_path / "root"
    (root / "keys").mkdir(parents=True)
    people = {name: act_as(name).recipient for name in ("bob", "alice")}
    for name, key in people.items():
        (root / "keys" / f"{name}.pub").write_text(f"{key}\n")
    rule = f"encrypted_regex: ^(data|stringData)$\n    age: {','.join(people.values())}\n"
    (root / ".sops.yaml").write_text(f"creation_rules:\n  - {rule}")
    for name in ("db", "mail", "plain"):
        (root / f"{name}.yaml").write_text(SECRET.format(name=name))
    monkeypatch.chdir(root)
    assert cli("encrypt", "db.yaml", "mail.yaml").exit_code == 0
    commit_all(root, "encrypted")
    return root


def contents(folder):
    return {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts
    }


FULL = [(errno.ENOSPC, "the disk is full", each) for each in WRITERS]
QUOTA = [(errno.EDQUOT, "your disk quota is used up", each) for each in WRITERS[:1]]


@pytest.mark.parametrize(
    ("number", "said", "arguments"),
    [*FULL, *QUOTA],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_every_writer_says_so_and_changes_nothing(root, cli, monkeypatch, arguments, number, said):
    before, real = contents(root), os.write

    def full(descriptor, data):
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return real(descriptor, data)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", full)
    result = cli(*arguments)
    monkeypatch.undo()
    os.chdir(root)
    assert result.exit_code == 2
    assert said in result.stderr
    assert SPACE in result.stderr
    assert "throwaway" not in result.stderr
    assert contents(root) == before
