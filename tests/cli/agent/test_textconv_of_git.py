"""git starts the textconv in an isolated Python: the agent answers what the short way does not know."""

import shutil
import subprocess
import sys

import pytest

from agents import until
from fluxsecrets.cli.agent.loaded import Loaded
from fluxsecrets.cli.agent.wire import Request, decoded, encoded

START = "from fluxsecrets.cli.textconvrun import main; main()"


@pytest.fixture
def repository(encrypted, cli, git, identity):
    """A repository with the drivers, and a commit of encrypted files in two forms."""
    git(encrypted.path, "init", "--quiet")
    encrypted.write("values.json", '{"a": {"password": "throwaway"}}\n')
    encrypted.write("other.json", '{"b": 1.5}\n')
    for name in ("values.json", "other.json"):
        assert cli("encrypt", name, "--age", identity.recipient).exit_code == 0
    assert cli("hook", "install").exit_code == 0
    encrypted.write(".gitattributes", "*.json diff=fluxsecrets\nsecret.yaml diff=fluxsecrets\n")
    git(encrypted.path, "add", "--all")
    git(encrypted.path, "commit", "--quiet", "--no-verify", "--message", "all")
    return encrypted


@pytest.mark.skipif(shutil.which("sh") is None, reason="sh is not on PATH: no driver is started")
def test_git_shows_the_same_and_asks_the_agent_where_that_is_faster(agent, repository, monkeypatch):
    def shown(*paths):
        command = ["git", "log", "-p", "--format=%s", "--", *paths]
        return subprocess.run(command, capture_output=True, check=True).stdout

    before = agent.status()
    warm = shown()
    until(lambda: agent.status()["answered"] == before["answered"] + 2)
    assert agent.status()["declined"] == before["declined"]
    shown("secret.yaml")  # the short way takes less than to ask
    assert agent.status()["answered"] == before["answered"] + 2
    monkeypatch.setenv("FLUXSECRETS_NO_AGENT", "1")
    assert warm == shown()
    assert b"password" in warm
    assert not repository.leaks(warm)


def test_another_path_is_the_same_code_if_only_unused_folders_are_left_out():
    path = (b"/scripts", b"/python.zip", b"/library", b"/packages")
    used = frozenset({b"/library", b"/packages"})
    code = Loaded(b"", path, used, (), (), ())
    assert code.is_found_on(path)
    assert code.is_found_on(path[1:])
    assert code.is_found_on(path[2:])
    assert not code.is_found_on(path[:3])
    assert not code.is_found_on(path[3:])
    assert not code.is_found_on([])
    assert not code.is_found_on([b"", *path])
    assert not code.is_found_on([*path, b"/nowhere"])
    assert not code.is_found_on(path[::-1])


def test_modules_in_the_folder_are_not_answered_for(agent, encrypted, monkeypatch):
    """Without -I, Python looks for modules there first."""
    before = agent.status()
    for options in ((), ("-I",)):
        command = [sys.executable, *options, "-c", START, "textconv", ".sops.yaml"]
        done = subprocess.run(command, capture_output=True, check=True)
        assert done.stdout == encrypted.read(".sops.yaml")
    until(lambda: agent.status()["answered"] == before["answered"] + 1)
    assert agent.status()["declined"].get("other_code", 0) == before["declined"].get("other_code", 0) + 1


def test_a_request_keeps_its_fields():
    request = Request("a", b"i", [b"/x", b""], 0o77, ["u"] * 8, [b"a", b"b"], {b"A": b"=", b"B": b""})
    found = decoded(encoded(request))
    assert [getattr(found, name) for name in Request.__slots__] == [
        getattr(request, name) for name in Request.__slots__
    ]
    for count in (b"0", b"-1", b"99"):
        fields = encoded(request).split(b"\0")
        fields[3 if count != b"-1" else 4] = count
        with pytest.raises(ValueError, match=r"missing|variable|int"):
            decoded(b"\0".join(fields))
