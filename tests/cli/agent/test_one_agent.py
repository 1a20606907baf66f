"""One agent runs in a place: whoever starts a second one is told so, and none is left behind unseen."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents import LIFETIME, PROGRAMS, run, until

LINUX = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")


def is_alive(pid):
    """Whether a process runs; one that has ended and that nobody waits for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def agents_in(runtime):
    """The processes of agents in a runtime folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            line, environ = (each / "cmdline").read_bytes(), (each / "environ").read_bytes()
        except OSError:
            continue
        named = f"XDG_RUNTIME_DIR={runtime}\0".encode() in environ + b"\0"
        if b"\0agent\0--detached" in line and named and is_alive(each.name):
            found.append(int(each.name))
    return found


@LINUX
def test_several_are_started_at_once(own_agent):
    agent = own_agent()
    for _ in range(2):
        agent("stop")
        started = [
            subprocess.Popen(
                [PROGRAMS["fluxsecrets"], "agent", "--lifetime", LIFETIME], stderr=subprocess.PIPE, text=True
            )
            for _ in range(5)
        ]
        said = [each.communicate(timeout=120)[1] for each in started]
        assert [each.returncode for each in started] == [0] * 5, said
        pid = agent.pid
        assert sum("the agent runs;" in text for text in said) == 1, said
        assert sum(f"an agent runs already, process {pid}" in text for text in said) == 4, said
        until(lambda pid=pid: set(agents_in(agent.runtime)) <= {pid, *agent.children()})


def test_one_is_started_while_another_one_ends(own_agent):
    agent = own_agent()
    stop = subprocess.Popen([PROGRAMS["fluxsecrets"], "agent", "stop"], stderr=subprocess.DEVNULL)
    while agent.socket.exists():
        assert agent("--lifetime", LIFETIME).returncode == 0
        if stop.poll() is not None:
            break
    stop.wait(60)
    assert agent("--lifetime", LIFETIME).returncode == 0
    assert agent.status()["running"]


@LINUX
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_slow_reader_keeps_no_new_agent_out(own_agent, encrypted, cli, end):
    """The process that prints lives longer than its agent."""
    agent = own_agent()
    encrypted.write("large.yaml", f"a: {'x' * 400_000}\n")
    assert cli("encrypt", "large.yaml").exit_code == 0
    with subprocess.Popen(
        [PROGRAMS["fluxsecrets"], "decrypt", "large.yaml"], bufsize=0, stdout=subprocess.PIPE
    ) as client:
        assert client.stdout.read(1) == b"a"
        if end == "kill":
            os.kill(agent.pid, signal.SIGKILL)
        else:
            assert agent("stop").returncode == 0
        started = agent("--lifetime", LIFETIME)
        assert (started.returncode, started.stderr[:15]) == (0, b"the agent runs;")
        assert len(client.stdout.read()) == 400_003
        assert client.wait(60) == 0


@LINUX
@pytest.mark.parametrize("how", ["the socket is removed", "the folder is removed", "the folder is replaced"])
def test_an_agent_that_nobody_can_reach_ends(own_agent, how):
    agent = own_agent()
    pid, (waiting,) = agent.pid, agent.children()
    folder = agent.socket.parent
    if how == "the socket is removed":
        agent.socket.unlink()
    elif how == "the folder is removed":
        shutil.rmtree(folder)
    else:
        folder.rename(folder.with_name("old"))
        assert agent("--lifetime", LIFETIME).returncode == 0
        assert agent.pid != pid
    os.kill(waiting, signal.SIGKILL)  # wakes the agent, which otherwise looks twice a minute
    until(lambda: not is_alive(pid))
    if how == "the folder is replaced":
        assert agent.status()["running"]  # its socket was not removed by the other one


@pytest.mark.parametrize("command", [(), ("--foreground",)])
def test_a_runtime_folder_that_is_missing_is_not_made(environment, tmp_path, monkeypatch, command):
    missing = Path("/tmp") / f"fa-missing-{os.getpid()}" / "user"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(missing))
    done = run("fluxsecrets", "agent", *command)
    assert done.code == 2
    assert f"{missing}: XDG_RUNTIME_DIR names it".encode() in done.err
    assert not missing.parent.exists()
    assert run("fluxsecrets", "agent", "status").code == 1


def test_without_a_runtime_folder_the_state_folder_is_used(environment, monkeypatch):
    if sys.platform == "win32":
        pytest.skip("there is no agent on Windows")
    home = Path("/tmp") / f"fa-home-{os.getpid()}"
    home.mkdir()
    try:
        monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
        monkeypatch.setenv("XDG_RUNTIME_DIR", "")
        assert run("fluxsecrets", "agent", "--lifetime", LIFETIME).code == 0
        assert (home / "state" / "fluxsecrets" / "agent" / "agent.sock").is_socket()
        assert run("fluxsecrets", "agent", "stop").code == 0
    finally:
        shutil.rmtree(home)
