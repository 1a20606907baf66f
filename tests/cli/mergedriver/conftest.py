"""A repository in which git merges with the driver, and branches of a secret."""

import subprocess

import pytest
from tests.conftest import run_git

ATTRIBUTES = (
    "*.yaml merge=fluxsecrets\n*.json merge=fluxsecrets\n*.env merge=fluxsecrets\n*.ini merge=fluxsecrets\n"
)


@pytest.fixture
def repository(folder, git, cli):
    """A repository in which git merges with the driver."""
    git(folder.path, "init", "--quiet")
    driver = f"'{cli.executable}' merge-driver %O %A %B %L %P %S %X %Y"
    git(folder.path, "config", "merge.fluxsecrets.driver", driver)
    (folder.path / ".gitattributes").write_text(ATTRIBUTES, encoding="utf-8")
    git(folder.path, "add", ".gitattributes", ".sops.yaml")
    git(folder.path, "commit", "--quiet", "--message", "rules")
    return folder


def branch(repository, git, name, path, text):
    """Commit a file on a branch of its own that starts at `main`."""
    git(repository.path, "checkout", "--quiet", "-B", name, "main")
    commit(repository, git, path, text)


def commit(repository, git, path, text):
    place = repository.path / path
    place.write_text(text, encoding="utf-8")
    git(repository.path, "add", path)
    git(repository.path, "commit", "--quiet", "--message", f"change {path}")


def merge(repository, *arguments):
    """Run git, which may fail, and return how it ended."""
    command = ["git", "-c", "user.name=Test", "-c", "user.email=test@waddle.example", *arguments]
    return subprocess.run(
        command, cwd=repository.path, capture_output=True, text=True, timeout=60, check=False
    )


def three(repository, git, path, base, ours, theirs):
    """Commit a base on `main`, ours on it, and theirs on the branch `other`."""
    commit(repository, git, path, base)
    branch(repository, git, "other", path, theirs)
    git(repository.path, "checkout", "--quiet", "main")
    commit(repository, git, path, ours)


@pytest.fixture
def encrypt(repository, git, cli):
    """Make an encrypted version of `secret.yaml` from plain text, on the branch that is checked out."""

    def encrypt(text, message="change"):
        place = repository.path / "secret.yaml"
        if place.exists():
            assert cli("decrypt", "-i", "secret.yaml").exit_code == 0
        place.write_text(text, encoding="utf-8")
        assert cli("encrypt", "secret.yaml").exit_code == 0
        git(repository.path, "add", "secret.yaml")
        git(repository.path, "commit", "--quiet", "--message", message)
        return place.read_text(encoding="utf-8")

    return encrypt


SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  # the user
  username: {username}
  password: {password}
  token: {token}
"""


def secret(username="throwaway-user", password="throwaway-one", token="throwaway-token"):
    return SECRET.format(username=username, password=password, token=token)


def two_branches(repository, git, encrypt, base, ours, theirs):
    encrypt(base, "base")
    git(repository.path, "checkout", "--quiet", "-b", "other")
    encrypt(theirs, "theirs")
    git(repository.path, "checkout", "--quiet", "main")
    encrypt(ours, "ours")


def ciphertexts(repository, revision, key):
    """The line of a key in a revision."""
    text = run_git(repository.path, "show", f"{revision}:secret.yaml")
    return next(line for line in text.splitlines() if line.strip().startswith(f"{key}:"))
