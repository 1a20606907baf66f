"""What the tests of commands share: a folder with one rule, and the check that nothing leaked."""

import os
from base64 import b64encode
from functools import partial
from pathlib import Path

import pytest

from fluxsecrets.clouds.calling import CallLimits
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


@pytest.fixture(scope="session")
def _s3_server(aws_descriptions):
    pytest.importorskip("moto", reason="moto is not installed: S3 is not tried")
    from s3server import s3_server

    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def _gcs_server():
    from gcsserver import gcs_server

    with gcs_server() as server:
        yield server


@pytest.fixture
def quick(monkeypatch):
    """Makes uploads that are tried again wait for nothing."""
    limits = CallLimits(tries=3, first_wait=0.0, longest_wait=0.0, deadline=5.0, per_second=10_000)
    for name in ("s3", "gcs", "vault"):
        monkeypatch.setattr(f"fluxsecrets.ops.publish.destinations.{name}.LIMITS", limits)


@pytest.fixture
def s3(_s3_server, environment, quick, monkeypatch):
    """Amazon S3 with the bucket `waddle`, which the environment names."""
    _s3_server.clear()
    _s3_server.bucket()
    for name, text in _s3_server.environment().items():
        monkeypatch.setenv(name, text)
    return _s3_server


@pytest.fixture
def gcs(_gcs_server, environment, quick, monkeypatch):
    """Google Cloud Storage with the bucket `waddle`, which the environment names."""
    _gcs_server.clear()
    for name, text in _gcs_server.environment().items():
        monkeypatch.setenv(name, text)
    return _gcs_server
