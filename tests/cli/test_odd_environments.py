"""Environments whose names have blanks, signs of a shell, or words like `k8s`, from `init` to a new key."""

import json
import os
import re
import shlex

import pytest
from tests.conftest import commit_all

from layouts import SECRET_AGE, flux, git_repository

NAMES = ["my cluster", "b`c", "k8s-prod", "it's"]
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: apps}
stringData: {password: throwaway-and-long}
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names there have fewer signs")


@pytest.fixture
def repository(tmp_path, environment, git, cli, monkeypatch):
    """Makes a repository with environments, set up and encrypted, in which the test runs."""

    def make(*names):
        for name in names:
            folder = tmp_path / "clusters" / name
            (folder / "flux-system").mkdir(parents=True)
            path = json.dumps(f"./clusters/{name}")
            sync = git_repository("flux-system", "https://example.org/x", "interval: 1m") + flux(
                "flux-system", path, "interval: 1m", "prune: true", SECRET_AGE
            )
            (folder / "flux-system" / "gotk-sync.yaml").write_text(sync, encoding="utf-8")
            (folder / "secret.yaml").write_text(SECRET, encoding="utf-8")
        git(tmp_path, "init", "--quiet")
        monkeypatch.chdir(tmp_path)
        assert cli("init", "--yes", "--name", "alice", "--skip", "hook").exit_code == 0
        assert cli("encrypt").exit_code == 0
        commit_all(tmp_path, "encrypted")
        return tmp_path

    return make


def test_what_init_makes_is_known_by_every_command(repository, cli):
    repository(*NAMES)
    for name in NAMES:
        made = cli("keys", "cluster-secret", "--env", name)
        assert (made.exit_code, "AGE-SECRET-KEY-" in made.stdout) == (0, True), made.stderr
        assert cli("verify", "--env", name).exit_code == 0
    assert "nothing says which key" not in cli("doctor").stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_new_identity_and_the_hints_on_the_way(repository, cli, name):
    repository(name)
    begin = ("rotate", "--env", name, "--identity")
    assert cli(*begin).exit_code == 0
    said = cli(*begin)
    assert said.exit_code == 2
    (hint,) = re.findall(r"finish it with `fluxsecrets ([^`]*)`", said.stderr)
    finish = hint if "`" in name else shlex.split(hint)
    assert finish in ([*begin, "--finish"], r"rotate --env $'b\x60c' --identity --finish")
    assert cli(*begin, "--finish", "--yes").exit_code == 0
    assert "no new identity is in progress" in cli(*begin, "--finish", "--yes").stderr


def test_names_that_are_alike_get_keys_of_their_own(repository):
    root = repository("a b", "a-b")
    keys = {path.name: path.read_text(encoding="utf-8") for path in (root / "keys").iterdir()}
    assert keys.keys() == {"alice.pub", "cluster-a-b.pub", "cluster-a-b-2.pub"}
    assert len(set(keys.values())) == 3
    rules = (root / ".sops.yaml").read_text(encoding="utf-8")
    assert all(rules.count(key.strip()) == 1 for key in keys.values())
