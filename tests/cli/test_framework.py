"""`.pre-commit-hooks.yaml` with the real pre-commit framework, offline, and an installed fluxsecrets."""

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from fluxsecrets import __version__

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
SCRIPTS = sysconfig.get_path("scripts")
FRAMEWORK = shutil.which("pre-commit", path=SCRIPTS) or shutil.which("pre-commit")

pytestmark = [
    pytest.mark.skipif(FRAMEWORK is None, reason="pre-commit is not installed: its hooks are not tried"),
    pytest.mark.skipif(os.name == "nt", reason="the framework's shell scripts are tried on POSIX"),
]

CONFIG = """\
repos:
  - repo: {source}
    rev: v{version}
    hooks:
      - id: fluxsecrets-system
      - id: fluxsecrets-push-system
"""


@pytest.fixture
def repository(folder, git, tmp_path, monkeypatch):
    """A repository that has our hooks through the framework, and a remote; `do` runs git in it."""
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(HOOKS, source)
    for place in (source, folder.path):
        git(place, "init", "--quiet", "--initial-branch", "main")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message", "hooks")
    git(source, "tag", f"v{__version__}")  # as each release is tagged
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "framework"))
    monkeypatch.setenv("PATH", f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@waddle.example")

    def do(*command):
        return subprocess.run(
            command, cwd=folder.path, capture_output=True, text=True, timeout=60, check=False
        )

    folder.do = do
    folder.write(".pre-commit-config.yaml", CONFIG.format(source=source, version=__version__))
    types = ("pre-commit", "pre-merge-commit", "pre-push")
    done = do(FRAMEWORK, "install", *(word for each in types for word in ("--hook-type", each)))
    assert done.returncode == 0, done.stdout + done.stderr
    do("git", "remote", "add", "origin", str(tmp_path / "remote.git"))
    do("git", "add", ".pre-commit-config.yaml")
    return folder


def test_commit_push_and_all_files(repository):
    do = repository.do
    done = do("git", "commit", "--message", "start")
    assert done.returncode == 0, done.stdout + done.stderr
    assert do("git", "push", "origin", "main").returncode == 0
    repository.write("secret.yaml")
    do("git", "add", "secret.yaml")
    repository.write("secret.yaml", "nothing: here\n")  # the framework puts it aside, and back
    done = do("git", "commit", "--message", "bad")
    assert done.returncode == 1
    assert "secret.yaml\n  6:13   high   plain-secret" in done.stdout + done.stderr
    assert repository.read("secret.yaml") == b"nothing: here\n"
    assert do("git", "commit", "--no-verify", "--message", "bad").returncode == 0
    done = do("git", "push", "origin", "main")
    assert done.returncode == 1
    assert "the push was refused" in done.stdout + done.stderr
    do("git", "checkout", "--quiet", "secret.yaml")
    done = do(FRAMEWORK, "run", "--all-files")
    assert done.returncode == 1
    assert "plain-secret" in done.stdout
    assert not repository.leaks(done.stdout, done.stderr)


def test_a_merge_that_git_commits_by_itself(repository):
    do = repository.do
    assert do("git", "commit", "--message", "start").returncode == 0
    do("git", "checkout", "--quiet", "-b", "side")
    repository.write("secret.yaml")
    do("git", "add", "secret.yaml")
    assert do("git", "commit", "--no-verify", "--message", "bad").returncode == 0
    do("git", "checkout", "--quiet", "main")
    done = do("git", "merge", "--no-ff", "--no-edit", "side")
    assert done.returncode != 0
    assert "plain-secret" in done.stdout + done.stderr
    assert do("git", "rev-parse", "--verify", "--quiet", "MERGE_HEAD").returncode == 0


def test_hooks_are_what_the_program_has():
    text = HOOKS.read_text(encoding="utf-8")
    assert text.count("entry: fluxsecrets hook run pre-commit\n") == 1
    assert text.count("entry: python -I -m fluxsecrets hook run pre-commit\n") == 1  # its own environment's
    assert text.count("entry: fluxsecrets hook run pre-push\n") == 1
    assert text.count("entry: python -I -m fluxsecrets hook run pre-push\n") == 1  # its own environment's


def test_the_docs_name_the_tag_of_this_version():
    page = (HOOKS.parent / "docs" / "hooks.md").read_text(encoding="utf-8")
    assert re.findall(r"rev: (\S+)", page) == [f"v{__version__}"]
