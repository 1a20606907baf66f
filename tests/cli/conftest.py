"""What the tests of commands share: a folder with one rule, and the check that nothing leaked."""

import os
from base64 import b64encode
from functools import partial
from pathlib import Path

import pytest

from proposing import make_shop

MARKER = "hunter2-throwaway"
"""The secret in every file that these tests make; it must never be seen outside of them."""

TRACES = (MARKER.encode(), b64encode(MARKER.encode())[:16], MARKER.encode("utf-16-le"))

SECRET = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: {MARKER}
"""


class Folder:
    """A folder for a test, with a `.sops.yaml` for alice, in which the test runs.

    Attributes:
        secret: a Secret with `marker` in it.
        marker: the value that must never be seen.
    """

    secret = SECRET
    marker = MARKER

    def __init__(self, path: Path, recipient: str) -> None:
        self.path = path
        self.recipient = recipient
        self.rules(f"creation_rules:\n  - age: {recipient}\n")

    def rules(self, text: str) -> None:
        self.write(".sops.yaml", text)

    def write(self, name: str | bytes, content: str | bytes = SECRET) -> Path:
        path = self.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def state(self, name: str) -> tuple[int, int, int, bytes]:
        """What any write would change: inode, times of change, content; reading changes the access time."""
        path = self.path / name
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, path.read_bytes()

    def files(self) -> dict[str, bytes]:
        """Everything in the folder, hidden and temporary files too; git's own data left out."""
        return {
            path.relative_to(self.path).as_posix(): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and ".git" not in path.relative_to(self.path).parts
        }

    @staticmethod
    def leaks(*texts: str | bytes) -> bool:
        """Whether the secret is in any of the texts."""
        data = [text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text for text in texts]
        return any(trace in each for trace in TRACES for each in data)

    def scrub(self, text: str) -> str:
        """Text without what differs from run to run."""
        return text.replace(str(self.path), "FOLDER").replace(self.recipient, "ALICE")


@pytest.fixture
def folder(tmp_path, identity, monkeypatch):
    """An empty folder with a rule for alice; nothing may be left in the temporary folder afterwards."""
    path, temporary = tmp_path / "folder", tmp_path / "temporary"
    path.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.chdir(path)
    yield Folder(path, identity.recipient)
    assert list(temporary.iterdir()) == []


@pytest.fixture
def encrypted(folder, cli):
    """The folder with an encrypted `secret.yaml`."""
    folder.write("secret.yaml")
    result = cli("encrypt", "secret.yaml")
    assert result.exit_code == 0, result.stderr
    assert MARKER.encode() not in folder.read("secret.yaml")
    return folder


@pytest.fixture
def shop(tmp_path, git, monkeypatch, act_as):
    """Makes the repository of `proposing`, in which the test runs as somebody without a key."""
    return partial(make_shop, tmp_path, git, monkeypatch)
