"""`propose` and `fold`, killed at every write: all is changed or nothing, and plain text is nowhere."""

import json
import os
from pathlib import Path

import pytest

from crashes import disk, put_back, states_of
from proposing import VALUE, applied

SECRETS = (VALUE.encode(), b"old-throwaway", b"cHJvcG9zZWQtdGhyb3dhd2F5", b"b2xkLXRocm93YXdheQ==")


@pytest.fixture
def watched(shop, tmp_path_factory, environment, monkeypatch):
    """The repository, and all folders in which a run may write."""
    root = shop()
    state, temporary = environment / "state", tmp_path_factory.mktemp("temporary")
    state.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setenv("TMPDIR", str(temporary))
    return (root, state, temporary)


def files_in(state, root):
    return {
        path: entry.data
        for path, entry in state.items()
        if entry.data is not None and path.is_relative_to(root) and ".git" not in path.parts
    }


def everything_below(root: Path):
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("command", ["propose", "fold"])
def test_killed_at_any_write_all_is_changed_or_nothing(watched, cli, act_as, command):
    root = watched[0]
    words = ("propose", "apps/shop/db.yaml", "password", "--stdin")
    if command == "fold":
        assert cli(*words, stdin=VALUE.encode()).exit_code == 0
        act_as("alice")
        words = ("fold",)
    results = []
    states = states_of(lambda: results.append(cli(*words, stdin=VALUE.encode())), watched)
    assert results[0].exit_code == 0, results[0].stderr
    old, new = files_in(states[0], root), files_in(states[-1], root)
    assert old != new
    ended = {"--resume": 0, "--abort": 0}
    for number, state in enumerate(states):
        assert not any(secret in (entry.data or b"") for entry in state.values() for secret in SECRETS)
        put_back(state, watched)
        expected = files_in(state, root)
        if root / ".git/fluxsecrets/journal" in state:
            way = list(ended)[number % 2]
            assert cli(command, way).exit_code == 0
            ended[way] += 1
            expected = new if way == "--resume" else old
        else:
            assert json.loads(cli("recover", "--format", "json").stdout)["interrupted"] is None
            assert {path: data for path, data in expected.items() if ".tmp" not in path.name} in (old, new)
        assert files_in(disk(watched), root) == expected
    assert min(ended.values()) >= 2
    act_as("alice")
    assert applied(cli)["db"]["password"] == VALUE


def test_no_plain_text_reaches_git_or_a_temporary_file(watched, cli, act_as, git):
    root = watched[0]
    assert cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=VALUE.encode()).exit_code == 0
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "proposed")
    act_as("alice")
    assert cli("fold").exit_code == 0
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "folded")
    objects = git(root, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)")
    for line in objects.splitlines():
        name, kind = line.split()
        if kind == "blob":
            assert not any(secret.decode() in git(root, "cat-file", "blob", name) for secret in SECRETS)
    for folder in watched:
        for path in everything_below(folder):
            assert not any(secret in path.read_bytes() for secret in SECRETS), path


def test_a_file_that_changes_meanwhile_stays_and_nothing_else_is_written(watched, cli, monkeypatch):
    from fluxsecrets.ops.propose import propose as module

    root = watched[0]
    kustomization = root / "apps/shop/kustomization.yaml"
    proves = module.refuse_worse

    def changing(*args):
        kustomization.write_text("resources: [db.yaml]\n")
        return proves(*args)

    monkeypatch.setattr(module, "refuse_worse", changing)
    result = cli("propose", "apps/shop/db.yaml", "password", "--generate", "hex")
    assert result.exit_code == 2
    assert "was changed while its new content was being made" in result.stderr
    assert kustomization.read_text() == "resources: [db.yaml]\n"
    assert not (root / "apps/shop/db.proposed-password.yaml").exists()


def test_what_was_interrupted_has_to_be_ended_first(watched, cli):
    root = watched[0]
    words = ("propose", "apps/shop/db.yaml", "password", "--generate", "hex")
    states = states_of(lambda: cli(*words), watched)
    journal = next(state for state in states if root / ".git/fluxsecrets/journal" in state)
    put_back(journal, watched)
    for command in (words, ("fold",)):
        result = cli(*command)
        assert result.exit_code == 2
        assert "`fluxsecrets propose` was interrupted here" in result.stderr
    assert os.path.lexists(root / ".git/fluxsecrets/journal")
