"""Every command that changes many files, killed at every write: nothing is lost, and there is a way out.

The states of the disk come from `crashes`; real kills at random moments are in `soak`.
"""

import json

import pytest

from crashes import disk, put_back, states_of
from fluxsecrets.repo.encrypted import detect_encryption
from sealing import key_file

NAMES = ("a.yaml", "b.yaml")
VALUES = {"a.yaml": "throwaway-of-a-kV7q", "b.yaml": "throwaway-of-b-kV7q"}

PREPARED = {
    "plain": (),
    "sops": (("encrypt", "apps"),),
    "shared": (("encrypt", "apps"), ("recipients", "add", "bob", "--all")),
    "drifted": (("encrypt", "apps"), ("recipients", "add", "bob", "--all"), ("rules",)),
    "sealed": (("seal", "--cert", "sealing.crt", "--for-others", "apps"),),
}
TOGETHER = (
    ("sops", ("rotate", "--all")),
    ("sops", ("recipients", "add", "bob", "--all")),
    ("shared", ("recipients", "remove", "bob", "--yes", "--no-report")),
    ("sealed", ("reseal", "--all", "--cert", "sealing-new.crt", "--private-key", "sealing.key")),
    ("plain", ("convert", "apps", "--to", "sops")),
    ("plain", ("convert", "apps", "--to", "sealed", "--cert", "sealing.crt", "--for-others")),
    ("sops", ("convert", "apps", "--to", "sealed", "--cert", "sealing.crt", "--for-others")),
    ("sealed", ("convert", "apps", "--to", "sops", "--private-key", "sealing.key")),
    ("sops", ("convert", "apps", "--to", "plain")),
)
"""Commands that change all files or none."""

ONE_BY_ONE = (
    ("plain", ("encrypt", "apps")),
    ("sops", ("decrypt", "-i", "apps")),
    ("plain", ("seal", "--cert", "sealing.crt", "--for-others", "apps")),
    ("drifted", ("recipients", "sync", "--all")),
)
"""Commands that may stop anywhere, and are simply repeated."""


def named(value):
    return value if isinstance(value, str) else "-".join(word for word in value if word.isalpha())


@pytest.fixture
def world(folder, act_as, cli, git, monkeypatch, environment):
    """Makes a repository in which a command can start, and returns the folders that are watched."""

    def make(kind):
        bob = act_as("bob").recipient
        alice = act_as("alice").recipient
        folder.rules(
            "creation_rules:\n  - path_regex: apps/\n    encrypted_regex: ^(data|stringData)$\n"
            f"    age: {alice}\n"
        )
        folder.write("keys/bob.pub", f"{bob}\n")
        for name in ("sealing.crt", "sealing.key", "sealing-new.crt"):
            folder.write(name, key_file(name))
        for name in NAMES:
            folder.write(f"apps/{name}", secret(name))
        state = environment / "state"
        state.mkdir()
        monkeypatch.setenv("XDG_STATE_HOME", str(state))
        git(folder.path, "init", "--quiet")
        git(folder.path, "-c", "user.name=t", "-c", "user.email=t@x", "commit", "-qm", "x", "--allow-empty")
        for words in PREPARED[kind]:
            if words == ("rules",):  # whoever was added has left the rules, and not yet the files
                folder.rules(folder.read(".sops.yaml").decode().replace(f",{bob}", ""))
            else:
                result = cli(*words)
                assert result.exit_code == 0, result.stderr
        return (folder.path, state)

    return make


def secret(name):
    return (
        f"# of {name}\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {name[0]}\n  namespace: x\n"
        f"stringData:\n  password: {VALUES[name]}\n"
    )


def tree(state, folder):
    """The files of the work tree."""
    return {
        path.relative_to(folder.path).as_posix(): entry.data
        for path, entry in state.items()
        if entry.data is not None and path.is_relative_to(folder.path) and ".git" not in path.parts
    }


def remains(state, folder):
    """What is left in the state folder."""
    return {path for path in state if path.parent == folder.path / ".git/fluxsecrets"} - {
        folder.path / ".git/fluxsecrets/lock"
    }


def plain_paths(state):
    return {
        path
        for path, entry in state.items()
        if any(value.encode() in (entry.data or b"") for value in VALUES.values())
    }


def run_through(world, folder, cli, kind, words):
    roots = world(kind)
    results = []
    states = states_of(lambda: results.append(cli(*words)), roots)
    assert results[0].exit_code == 0, results[0].stderr
    old, new = tree(states[0], folder), tree(states[-1], folder)
    assert old != new
    assert len(states) > 8, "the writes are seen"
    allowed = plain_paths(states[0]) | plain_paths(states[-1])
    for state in states:
        visible = tree(state, folder)
        assert all(visible[name] in (old.get(name), new.get(name)) for name in visible), "no file is torn"
        left = plain_paths(state) - allowed
        assert all(path.is_relative_to(folder.path / ".git") for path in left), "the next run removes these"
    return roots, states, old, new


@pytest.mark.parametrize(("kind", "words"), TOGETHER, ids=named)
def test_killed_at_any_write_all_files_are_changed_or_none(world, folder, cli, kind, words):
    roots, states, old, new = run_through(world, folder, cli, kind, words)
    allowed = plain_paths(states[0]) | plain_paths(states[-1])
    ended = {"--resume": 0, "--abort": 0}
    for number, state in enumerate(states):
        put_back(state, roots)
        expected = tree(state, folder)
        if folder.path / ".git/fluxsecrets/journal" in state:
            way = list(ended)[number % 2]
            result = cli("recover", way)
            assert result.exit_code == 0, result.stderr
            ended[way] += 1
            expected = new if way == "--resume" else old
        else:
            assert json.loads(cli("recover", "--format", "json").stdout)["interrupted"] is None
            assert expected in (old, new)
        after = disk(roots)
        assert tree(after, folder) == expected
        assert plain_paths(after) <= allowed
        assert not remains(after, folder)
    assert min(ended.values()) >= 2


@pytest.mark.parametrize(("kind", "words"), ONE_BY_ONE, ids=named)
def test_killed_at_any_write_a_command_can_be_repeated(world, folder, cli, kind, words):
    roots, states, _, new = run_through(world, folder, cli, kind, words)
    allowed = plain_paths(states[0]) | plain_paths(states[-1])
    for state in states:
        put_back(state, roots)
        result = cli(*words)
        assert result.exit_code == 0, result.stderr
        after = disk(roots)
        assert tree(after, folder).keys() == new.keys()
        assert plain_paths(after) <= allowed
        for name in NAMES:
            data = folder.read(f"apps/{name}")
            is_encrypted = detect_encryption(data, name) is not None or b"encryptedData" in data
            assert is_encrypted == (words[0] != "decrypt")
        assert not remains(after, folder)
