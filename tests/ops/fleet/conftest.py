"""Repositories for one scan: two work trees and a bare clone, each with one secret."""

import pytest

MARKER = "hunter2-throwaway"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: {MARKER}\n"


@pytest.fixture
def repositories(tmp_path, environment, git, monkeypatch):
    """A folder with the clones `infra`, `team/apps` and `mirror.git`, which the test runs in."""
    folder = tmp_path / "clones"
    for name in ("infra", "team/apps"):
        place = folder / name
        place.mkdir(parents=True)
        git(place, "init", "--quiet")
        (place / "secret.yaml").write_text(SECRET)
        (place / "team.txt").write_text(f"the token of {name}\n")
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "--message", "one")
    git(folder, "clone", "--quiet", "--bare", "infra", "mirror.git")
    (folder / "notes").mkdir()
    (folder / "notes" / "secret.yaml").write_text(SECRET)
    monkeypatch.chdir(folder)
    return folder
