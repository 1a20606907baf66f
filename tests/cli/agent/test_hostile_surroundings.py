"""What a hostile or careless process of the user does to the agent, and what the machine runs out of."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

import agentclients
from agents import PROGRAMS, run, until
from fluxsecrets.cli.agent.lasting import now

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def cpu_of(pid):
    """Seconds of processor time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def environment_of(pid):
    return Path(f"/proc/{pid}/environ").read_bytes()


def test_the_sample_is_removed(own_agent, encrypted):
    agent = own_agent()
    shutil.rmtree(agent.socket.parent / "sample")
    for _ in range(2):
        before = agent.status()["answered"]
        assert run("fluxsecrets", "decrypt", "secret.yaml").out == encrypted.secret.encode()
        until(lambda before=before: agent.status()["answered"] == before + 1)
    until(lambda: len(agent.children()) == 1)
    waiting = agent.children()
    time.sleep(0.5)
    assert agent.children() == waiting


def test_a_process_that_ends_by_itself_is_not_forked_again_at_once(own_agent, encrypted):
    agent = own_agent()
    os.kill(agent.children()[0], signal.SIGKILL)
    until(lambda: agent.children() == [])
    time.sleep(0.3)
    assert agent.children() == []
    assert run("fluxsecrets", "decrypt", "secret.yaml").out == encrypted.secret.encode()
    until(lambda: agent.status()["answered"] == 1)
    until(lambda: len(agent.children()) == 1)


def test_connections_use_up_all_descriptors(own_agent, encrypted, monkeypatch):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    agent = own_agent()
    pid = agent.pid
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (24, limits[1]))
    with ExitStack() as stack:
        for _ in range(60):
            line = stack.enter_context(socket.socket(socket.AF_UNIX))
            line.connect(str(agent.socket))
        before = cpu_of(pid)
        time.sleep(2)
        assert cpu_of(pid) - before < 1
        assert run("fluxsecrets", "decrypt", "secret.yaml").out == encrypted.secret.encode()
    until(lambda: run("fluxsecrets", "agent", "status").code == 0)
    assert agent.pid == pid
    assert run("fluxsecrets", "decrypt", "secret.yaml").out == encrypted.secret.encode()


def test_variables_of_a_request_stay_in_it(own_agent, encrypted, tmp_path):
    agent = own_agent()
    before = environment_of(agent.pid)
    hostile = {
        "LD_PRELOAD": str(tmp_path / "missing.so"),
        "GIT_DIR": "/nowhere",
        "GIT_CONFIG_PARAMETERS": "'core.fsmonitor=/bin/false'",
        "FLUXSECRETS_LOG": str(tmp_path / "log.jsonl"),
    }
    assert run("fluxsecrets", "status", "secret.yaml", env=hostile).code == 0
    (tmp_path / "log.jsonl").unlink(missing_ok=True)
    until(lambda: agent.status()["answered"] == 1)
    for _ in range(2):
        done = run("fluxsecrets", "decrypt", "secret.yaml")
        assert (done.out, done.err) == (encrypted.secret.encode(), b"")
    assert not (tmp_path / "log.jsonl").exists()
    assert [environment_of(each) for each in (agent.pid, *agent.children())] == [before] * 2


@pytest.mark.parametrize("which", ["the agent", "the process that waits"])
def test_a_stopped_process_keeps_nothing_of_a_command(own_agent, encrypted, which):
    """Had it the output open, who reads that would wait for its end."""
    agent = own_agent()
    (waiting,) = agent.children()
    stopped = agent.pid if which == "the agent" else waiting
    os.kill(stopped, signal.SIGSTOP)
    try:
        for _ in range(2):
            command = [PROGRAMS["fluxsecrets"], "decrypt", "secret.yaml"]
            done = subprocess.run(command, capture_output=True, check=True, timeout=60)
            assert (done.stdout.decode(), done.stderr) == (encrypted.secret, b"")
    finally:
        os.kill(stopped, signal.SIGCONT)


def test_a_stopped_process_forgets_keys_with_the_agent(own_agent, encrypted):
    agent = own_agent()
    (waiting,) = agent.children()
    os.kill(waiting, signal.SIGSTOP)
    assert run("fluxsecrets", "decrypt", "secret.yaml").out == encrypted.secret.encode()  # handed to it
    until(lambda: len(agent.children()) == 2)
    assert agent("lock").returncode == 0
    until(lambda: waiting not in agent.children())


def test_an_agent_in_the_foreground_leaves_its_folder(tmp_path, monkeypatch):
    """Nobody could unmount it."""
    monkeypatch.chdir(tmp_path)
    with agentclients.running() as agent:
        # It listens before it has run its sample in a folder of its own.
        until(lambda: os.readlink(f"/proc/{agent.pid}/cwd") == "/")  # noqa: PTH115


def test_time_in_which_the_machine_sleeps_counts():
    """As in /proc/uptime; nobody sets this clock."""
    for _ in range(3):
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        if abs(now() - uptime) < 0.5:
            return
    pytest.fail("another clock")
