from pathlib import Path

import pytest

from filesystems import OLD, PLATFORMS, pretend


@pytest.fixture(params=PLATFORMS)
def platform(request, monkeypatch):
    """Runs a test once for each platform's code path."""
    pretend(request.param, monkeypatch)
    return request.param


@pytest.fixture(autouse=True)
def _beside(monkeypatch, tmp_path):
    """New contents have their names beside the files: no state folder can be made. See `test_staging`."""
    (tmp_path.parent / "no-folder").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path.parent / "no-folder"))


@pytest.fixture
def target(tmp_path) -> Path:
    path = tmp_path / "secret.yaml"
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


@pytest.fixture
def twenty(tmp_path) -> Path:
    for number in range(20):
        (tmp_path / f"f{number}").write_bytes(OLD)
    return tmp_path
