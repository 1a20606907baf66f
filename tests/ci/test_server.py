"""The recipe of docs/review.md for a server, run by git in a bare repository before it takes a push."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "review.md"
FILE = "apps/observability/overlays/staging/more.yaml"
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: more, namespace: observability}
stringData: {password: correct-horse-throwaway}
"""


@pytest.fixture
def server(encrypted_waddle, git, tmp_path):
    """A bare clone of the example with the recipe as its hook."""
    bare = tmp_path / "server.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(encrypted_waddle), str(bare))
    [script] = re.findall(r"```sh\n(#!/bin/sh\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(script, encoding="utf-8")
    hook.chmod(0o755)
    return bare


@pytest.fixture
def push(encrypted_waddle, server, git):
    """Pushes the work tree to a branch of the server; says whether it was taken, and what git printed."""

    def push(branch, *options):
        git(encrypted_waddle, "add", "--all")
        git(encrypted_waddle, "commit", "--quiet", "--allow-empty", "--message", "a change")
        path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["git", "push", *options, str(server), f"HEAD:refs/heads/{branch}"],
            cwd=encrypted_waddle,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        head = git(encrypted_waddle, "rev-parse", "HEAD")
        taken = head in git(server, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        assert taken is (done.returncode == 0)
        return taken, done.stderr

    return push


@pytest.mark.parametrize("branch", ["main", "release/2"])
def test_a_push_that_brings_plain_text_is_refused(encrypted_waddle, push, branch):
    (encrypted_waddle / FILE).write_text(SECRET, encoding="utf-8")
    taken, output = push(branch)
    assert not taken
    assert "stringData.password is in plain text" in output
    assert FILE in output
    assert "throwaway" not in output


def test_other_pushes_are_taken(encrypted_waddle, push):
    (encrypted_waddle / "notes.md").write_text("nothing\n", encoding="utf-8")
    assert push("main")[0]
    (encrypted_waddle / FILE).write_text(SECRET, encoding="utf-8")
    assert push("feature")[0]


def test_without_fluxsecrets_nothing_is_taken(encrypted_waddle, push, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: "/nowhere")
    folders = os.environ["PATH"].split(os.pathsep)
    without = [folder for folder in folders if not Path(folder, "fluxsecrets").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(without))
    taken, output = push("main")
    assert not taken
    assert "not found" in output


@pytest.mark.parametrize("option", ["--staged", "--uncommitted"])
def test_a_bare_repository_has_commits_only(server, cli, monkeypatch, option):
    monkeypatch.chdir(server)
    assert cli("review", "HEAD").exit_code == 0
    refused = cli("review", option)
    assert refused.exit_code == 2
    assert "a bare repository has neither an index nor a work tree" in refused.stderr


def test_a_bare_repository_that_came_with_a_clone_is_refused(encrypted_waddle, server, cli, monkeypatch):
    server.rename(encrypted_waddle / "server.git")
    monkeypatch.chdir(encrypted_waddle / "server.git")
    assert cli("review", "HEAD").exit_code == 2
