"""Small repositories built in a temporary folder, with and without git."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.conftest import QUICK

from fluxsecrets.repo.tree import make_tree, open_tree, walk_files

# The local environment must not reach the tests: no global configuration, no hook's variables.
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "throw-away",
    "GIT_AUTHOR_EMAIL": "throw-away@example.invalid",
    "GIT_COMMITTER_NAME": "throw-away",
    "GIT_COMMITTER_EMAIL": "throw-away@example.invalid",
}


@pytest.fixture(autouse=True)
def clean_git_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def write_files(root: Path, files):
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def write(tmp_path):
    """Write files into a root, by default the temporary folder."""

    def writer(files, root=tmp_path):
        write_files(root, files)
        return root

    return writer


@pytest.fixture
def tree_of(tmp_path):
    """A tree of the given files, without git."""

    def maker(files, **options):
        write_files(tmp_path, files)
        return make_tree(tmp_path, walk_files(tmp_path), **options)

    return maker


@pytest.fixture
def git():
    """Run git in a folder; returns what it prints."""

    def run(folder, *arguments, check=True, stdin=None):
        done = subprocess.run(
            ["git", *QUICK, *arguments], cwd=folder, input=stdin, capture_output=True, check=check
        )
        return done.stdout.decode("utf-8", "surrogateescape")

    return run


@pytest.fixture
def committed(tmp_path, git):
    """A git repository with the given files in its first commit; returns a function that opens it."""

    def maker(files):
        git(tmp_path, "init", "--quiet", ".")
        write_files(tmp_path, files)
        git(tmp_path, "add", "--all", ".")
        git(tmp_path, "commit", "--quiet", "--message", "first")
        return lambda: open_tree(tmp_path)

    return maker
