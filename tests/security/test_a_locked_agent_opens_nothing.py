"""What the agent forgets is gone, after `lock` and its idle time, even for a client that was there before."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from agentclients import BEGUN, DECLINED, GO, LOCK, READY, RUN, begin, rest_of, running, runtime_folder, send
from agents import until
from fluxsecrets.keys.handover import pack
from fluxsecrets.keys.lockedfile import lock_file
from fluxsecrets.keys.unlocked import KEY_FILE, Unlocked, digest_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no agent on Windows")

PASSPHRASE = "throw-away passphrase"


@pytest.fixture
def locked(encrypted, act_as, monkeypatch):
    """An encrypted file, and a key file with a passphrase that opens it. Holds the key file and its text."""
    identity = act_as("alice")
    path = identity.path.with_name("locked.txt")
    path.write_bytes(lock_file(identity.path.read_bytes(), PASSPHRASE, work_factor=1))
    path.chmod(0o600)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(path))
    return path.read_bytes(), identity.path.read_bytes()


@pytest.fixture(scope="module")
def _running():
    with running() as agent:
        yield agent


@pytest.fixture
def agent(_running, locked):
    """An agent that keeps nothing."""
    assert _running.run("agent", "lock").returncode == 0
    return _running


def hand_over(agent, data, text):
    unlocked = Unlocked()
    unlocked.add(KEY_FILE, digest_of(KEY_FILE, data), text)
    frame = pack(unlocked)
    with agent.line() as line:
        line.sendall(b"k" + len(frame).to_bytes(4, "big") + frame)
        assert rest_of(line)


def opens(agent):
    return agent.run("decrypt", "secret.yaml").returncode == 0


def copies(process, secret):
    """How often a secret is in the memory of a process; needs the rights of root."""
    found = 0
    with Path(f"/proc/{process}/maps").open() as maps, Path(f"/proc/{process}/mem").open("rb", 0) as memory:
        for line in maps:
            place, rights = line.split()[:2]
            if "r" in rights and "[v" not in line:
                start, end = (int(number, 16) for number in place.split("-"))
                with suppress(OSError, ValueError, OverflowError):
                    memory.seek(start)
                    found += memory.read(end - start).count(secret)
    return found


def children(process):
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def copies_of_children(agent, secret):
    """The copies in each child that is there; None if one ends meanwhile."""
    try:
        return [copies(process, secret) for process in children(agent.pid)]
    except (FileNotFoundError, ProcessLookupError):
        return None


def test_unlocked_keys_open_until_the_agent_is_locked(agent, locked, encrypted):
    assert not opens(agent)
    hand_over(agent, *locked)
    assert opens(agent)
    assert agent.run("agent", "lock").returncode == 0
    assert not opens(agent)


def test_a_key_file_that_changes_is_locked_again(agent, locked, monkeypatch):
    hand_over(agent, *locked)
    path = Path(os.environ["SOPS_AGE_KEY_FILE"])
    path.write_bytes(lock_file(locked[1], "another passphrase", work_factor=1))
    assert not opens(agent)
    path.write_bytes(locked[0])
    assert opens(agent)
    path.unlink()
    assert not opens(agent)


def test_keys_are_forgotten_after_the_idle_time(locked):
    with running("--idle", "1s") as agent:
        hand_over(agent, *locked)
        time.sleep(1.5)  # the agent's own clock; there is nothing else to wait for
        assert not opens(agent)


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root of Linux looks into the agent"
)
def test_a_locked_agent_has_no_copy_in_its_memory(agent, locked):
    secret = next(line for line in locked[1].splitlines() if line.startswith(b"AGE-SECRET-KEY-"))
    hand_over(agent, *locked)
    assert opens(agent)
    assert copies(agent.pid, secret) >= 1
    with agent.line() as line:
        line.sendall(LOCK + bytes(4))
        assert rest_of(line)
    assert copies(agent.pid, secret) == 0
    # The process of the request before may still be ending, and the one that waits is made anew.
    until(lambda: copies_of_children(agent, secret) == [0])


LOOKS = """
import ctypes, functools, json, os, resource, signal, sys, time, traceback
from pathlib import Path
import fluxsecrets.cli.agent.command, fluxsecrets.cli.agent.process, fluxsecrets.cli.agent.running
from fluxsecrets.cli.agent import loaded
from fluxsecrets.cli.agent.sample import load_all, sample_in
from fluxsecrets.cli.dispatch import dispatch

def children(process):
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()

def seen(process):
    found = []
    for name in ("mem", "environ", "maps"):
        try:
            os.close(os.open(f"/proc/{process}/{name}", os.O_RDONLY))
        except PermissionError:
            continue
        found.append(name)
    return found

folder, user = Path(sys.argv[1]), 65534
with sample_in(folder) as sample:
    load_all(sample)  # all now: the other user may not be able to read the modules
loaded._state = functools.cache(loaded._state)
loaded.loaded().is_unchanged()
if os.geteuid() == 0:  # root looks into every process
    os.chown(folder, user, user)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: a change of the user has cleared it
other = os.fork()
if other == 0:
    signal.pause()
agent = os.fork()
if agent == 0:
    os._exit(dispatch(["agent", "--foreground", "--lifetime", "10m"]))
try:
    while not children(agent):  # one waits for a request as soon as the agent serves
        assert os.waitpid(agent, os.WNOHANG) == (0, 0)
        time.sleep(0.05)
    print(json.dumps([os.geteuid(), seen(other), *map(seen, (agent, *children(agent)))]))
finally:
    for process in (other, agent):
        os.kill(process, signal.SIGTERM)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux shows processes in /proc")
def test_other_processes_of_the_user_do_not_look_into_the_agent():
    with runtime_folder() as folder:
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        command = [sys.executable, "-c", LOOKS, folder]
        done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True, timeout=60)
    user, other, agent, *its_children = json.loads(done.stdout)
    assert user != 0
    assert other == ["mem", "environ", "maps"]
    assert [agent, *its_children] == [[], []]


@pytest.mark.parametrize("stage", ["nothing", "half a request", "a request"])
def test_a_client_that_waits_gets_nothing_of_a_locked_agent(agent, locked, tmp_path, stage):
    hand_over(agent, *locked)
    request = agent.recorded("decrypt", "secret.yaml")
    assert request[:1] == RUN
    before = {"nothing": 0, "half a request": 40, "a request": len(request)}[stage]
    read, write = os.pipe()
    folder = os.open(".", os.O_RDONLY)
    with agent.line() as line:
        if before:
            line.sendall(request[:before])
        if stage == "a request":
            assert line.recv(1) == READY
        else:
            time.sleep(0.2)
        assert agent.run("agent", "lock").returncode == 0
        with suppress(OSError):
            line.sendall(request[before:])
            if stage == "a request" or line.recv(1) == READY:
                send(line, GO, [write, write, folder])
        assert BEGUN not in rest_of(line).replace(DECLINED, b"")
    os.close(write)
    os.close(folder)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b""


def test_nothing_is_printed_after_a_lock_was_answered(agent, locked):
    request = agent.recorded("decrypt", "secret.yaml")
    folder = os.open(".", os.O_RDONLY)
    for pause in (0, 0.002, 0.004, 0.008, 0.012, 0.02, 0.03, 0.05):
        hand_over(agent, *locked)
        read, write = os.pipe()
        os.set_blocking(read, False)
        with agent.line() as line:
            begin(line, request, [write, write, folder])
            os.close(write)
            time.sleep(pause)  # the lock comes while the request is answered, now here, now there
            with agent.line() as other:
                other.sendall(LOCK + bytes(4))
                assert rest_of(other)
            with suppress(BlockingIOError):
                os.read(read, 4096)
            rest_of(line)
        assert os.read(read, 4096) == b""
        os.close(read)
    os.close(folder)


def test_a_reader_that_waits_does_not_keep_the_agent_from_locking(agent, locked):
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write, bytes(4096))
    os.set_blocking(write, True)
    hand_over(agent, *locked)
    request, folder = agent.recorded("decrypt", "secret.yaml"), os.open(".", os.O_RDONLY)
    with agent.line() as line:
        begin(line, request, [write, write, folder])
        assert line.recv(1) == BEGUN
        assert agent.run("agent", "lock").returncode == 0
        assert not opens(agent)
    for each in (read, write, folder):
        os.close(each)


def test_a_client_that_sends_in_drips_is_dropped(agent, locked):
    request = agent.recorded("decrypt", "secret.yaml")
    with agent.line() as line, pytest.raises(OSError, match=r"(?i)broken|reset"):  # noqa: PT012
        line.sendall(request[:10])
        for place in range(10, 50):
            time.sleep(0.5)
            line.sendall(request[place : place + 1])
