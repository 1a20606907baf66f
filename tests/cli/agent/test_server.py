"""The agent: what it keeps and forgets, and what hostile, slow and many clients get."""

import array
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agents import PROGRAMS, run, until
from fluxsecrets.cli.agent import talk, wire
from fluxsecrets.cli.agent.client import peer_of
from fluxsecrets.cli.agent.confinement import is_as_free
from fluxsecrets.cli.agent.lasting import now, parse_duration
from fluxsecrets.cli.agent.loaded import loaded
from fluxsecrets.cli.agent.peers import is_own, process_of
from fluxsecrets.errors import UsageError
from fluxsecrets.keys.handover import pack
from fluxsecrets.keys.unlocked import KEY_FILE, PGP, Unlocked

LINUX = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
SECRET = b"AGE-SECRET-KEY-throwaway-for-tests"


def hand_over(number=1):
    unlocked = Unlocked()
    for index in range(number):
        unlocked.add(KEY_FILE, bytes([index]) * 32, SECRET)
    unlocked.add(PGP, b"p" * 32, b"k" * 32)
    return talk.tell(wire.KEEP, pack(unlocked), dict(os.environb))


@contextmanager
def connected(agent):
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(str(agent.socket))
        yield line


def test_status_stop_and_lock(own_agent):
    agent = own_agent()
    state = hand_over(2)
    assert (state["identities"], state["opened"]) == (2, 1)
    text = agent("status").stdout.decode()
    assert "keeps 2 unlocked keys, 1 answer of a plugin or gpg\nlocks in 14 min" in text
    assert agent("lock").returncode == 0
    state = agent.status()
    assert (state["identities"], state["opened"], state["locks_in"], state["current"]) == (0, 0, None, True)
    pid = agent.pid
    started = agent()
    assert (started.returncode, started.stderr) == (0, f"an agent runs already, process {pid}\n".encode())
    assert agent("--quiet").stderr == b""
    assert agent("--foreground").returncode == 2
    refused = agent("--no-store")
    assert (refused.returncode, b"keeps unlocked keys" in refused.stderr) == (2, True)
    assert agent("stop").returncode == 0
    assert not agent.socket.exists()
    for word in ("stop", "lock", "status"):
        done = agent(word)
        assert done.returncode == 1
        assert b"no agent runs" in done.stdout + done.stderr


def test_keys_are_forgotten_when_idle_and_the_agent_ends(own_agent):
    agent = own_agent("--idle", "1s", "--lifetime", "6s")
    assert hand_over()["identities"] == 1
    until(lambda: agent.status().get("identities") == 0)
    until(lambda: not agent.socket.exists())


def test_nothing_is_kept_if_the_user_does_not_want_it(own_agent):
    own_agent("--no-store")
    state = hand_over()
    assert (state["identities"], state["stores"]) == (0, False)


@pytest.mark.parametrize("text", ["", "5", "m", "0s", "8d", "-1s", "1.5h", "٣m", "99999999999s"])
def test_durations_out_of_bounds(text, agent):
    with pytest.raises(UsageError):
        parse_duration(text, "--idle")
    assert agent("--idle", text or " ").returncode == 2
    assert [parse_duration(each, "--idle") for each in ("90s", "15m", "8h", "7d")] == [90, 900, 28800, 604800]


def test_a_stale_socket_is_replaced(own_agent):
    agent = own_agent()
    os.kill(agent.pid, signal.SIGKILL)
    assert run("fluxsecrets", "agent", "status").code == 1
    assert agent.socket.exists()
    assert agent().returncode == 0
    assert agent.status()["running"]


@pytest.mark.parametrize("lure", ["a file", "a folder of others", "a link"])
def test_the_agent_does_not_start_in_a_place_that_is_not_safe(environment, tmp_path, monkeypatch, lure):
    folder = tmp_path / "r" / "fluxsecrets"
    folder.mkdir(parents=True, mode=0o700)
    if lure == "a file":
        (folder / "agent.sock").write_text("precious")
    elif lure == "a link":
        folder.rmdir()
        (tmp_path / "other").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "other")
    else:
        folder.chmod(0o770)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "r"))
    done = run("fluxsecrets", "agent")
    assert done.code == 2
    assert b"error: " in done.err
    assert lure != "a file" or (folder / "agent.sock").read_text() == "precious"


def test_a_long_path_is_refused(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 120)))
    done = run("fluxsecrets", "agent")
    assert done.code == 2
    assert b"has more than" in done.err
    assert run("fluxsecrets", "agent", "status").code == 1


FRAMES = {
    "nothing": b"",
    "an unknown kind": b"x" + bytes(4),
    "half a head": b"r\0",
    "an endless request": b"r\xff\xff\xff\xff" + b"x" * 1000,
    "half a request": wire.frame(wire.RUN, b"x" * 100)[:50],
    "a request without streams": wire.frame(wire.RUN, b"x" * 100),
    "keys without end": b"k\xff\xff\xff\xff" + b"x" * 1000,
    "keys that are none": wire.frame(wire.KEEP, b"x" * 1000),
    "a status with content": wire.frame(wire.STATUS, b"x"),
    "two frames": wire.frame(wire.STATUS) * 2,
}


def test_hostile_frames_get_nothing_and_change_nothing(agent, encrypted):
    pid = agent.pid
    for content in FRAMES.values():
        with connected(agent) as line:
            with suppress(OSError):
                line.sendall(content)
                line.shutdown(socket.SHUT_WR)
            answer = b""
            with suppress(OSError):
                while data := line.recv(4096):
                    answer += data
            assert answer in (b"", wire.DECLINED) or answer.startswith(wire.STATUS)
            assert b'"identities": 0' in answer or not answer.startswith(wire.STATUS)
    assert agent.pid == pid
    assert run("fluxsecrets", "decrypt", "secret.yaml").out == encrypted.secret.encode()


def test_a_client_that_sends_nothing_keeps_nobody_waiting(agent, encrypted):
    with connected(agent), connected(agent) as slow:
        slow.sendall(wire.RUN)
        before = agent.status()["answered"]
        assert run("fluxsecrets", "decrypt", "secret.yaml").out == encrypted.secret.encode()
        until(lambda: agent.status()["answered"] == before + 1)


def test_a_request_in_drips_ends_with_the_lock(own_agent, encrypted):
    """Its process knows the keys; it must not answer with them later."""
    agent = own_agent()
    hand_over()
    streams = ["utf-8", "strict", "0", "0"] * 2
    request = wire.Request("fluxsecrets", b"", [], 0o77, streams, [b"a", b"status"], {})
    with connected(agent) as line:
        content = wire.frame(wire.RUN, wire.encoded(request))
        line.sendall(content[:10])
        until(lambda: len(agent.children()) == 2)
        assert agent("lock").returncode == 0
        until(lambda: len(agent.children()) == 1)
        with suppress(OSError):
            line.sendall(content[10:])
        with suppress(ConnectionResetError):
            assert line.recv(1) in (b"", wire.DECLINED)


def test_fifty_clients_at_once(agent, encrypted):
    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(lambda _: run("fluxsecrets", "decrypt", "secret.yaml"), range(50)))
    assert {(each.code, each.out, each.err) for each in results} == {(0, encrypted.secret.encode(), b"")}
    assert agent.status()["running"]


@LINUX
def test_killed_processes(own_agent, encrypted):
    agent = own_agent()
    expected = (0, encrypted.secret.encode())
    for _ in range(3):  # the one that waits
        for child in agent.children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        done = run("fluxsecrets", "decrypt", "secret.yaml")
        assert (done.code, done.out) == expected
    os.kill(agent.pid, signal.SIGKILL)
    done = run("fluxsecrets", "decrypt", "secret.yaml")
    assert (done.code, done.out) == expected


@LINUX
def test_the_run_ends_with_its_client(own_agent, encrypted, cli):
    agent = own_agent()
    encrypted.write("large.yaml", f"a: {'x' * 400_000}\n")
    assert cli("encrypt", "large.yaml").exit_code == 0
    with subprocess.Popen(
        [PROGRAMS["fluxsecrets"], "decrypt", "large.yaml"], bufsize=0, stdout=subprocess.PIPE
    ) as client:
        assert client.stdout.read(1)
        until(lambda: len(agent.children()) == 2)
        client.kill()
        client.wait()
        until(lambda: len(agent.children()) == 1)


@LINUX
def test_no_key_is_in_files_environments_and_dumps(own_agent, encrypted, identity, monkeypatch):
    monkeypatch.setenv("SOPS_AGE_KEY", identity.secret)
    agent = own_agent()
    hand_over()
    assert run("fluxsecrets", "decrypt", "secret.yaml").out == encrypted.secret.encode()
    # A process that has just been forked still tries the sample in its folder.
    until(lambda: all(os.readlink(f"/proc/{pid}/cwd") == "/" for pid in agent.children()))  # noqa: PTH115
    for pid in (agent.pid, *agent.children()):
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        assert identity.secret.encode() not in environ
        assert b"XDG_RUNTIME_DIR" in environ
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size +0 ", limits)
        assert os.readlink(f"/proc/{pid}/cwd") == "/"  # noqa: PTH115
        assert [os.readlink(f"/proc/{pid}/fd/{each}") for each in range(3)] == [os.devnull] * 3  # noqa: PTH115
    kept = [path for path in agent.runtime.rglob("*") if path.is_file()]
    sample = {f"sample.{kind}" for kind in ("yaml", "json", "env", "ini", "bin")}
    assert {path.name for path in kept} == {"keys.txt", *sample}  # throw-away
    for path in kept:
        assert not encrypted.leaks(path.read_bytes())
        assert SECRET not in path.read_bytes()


def test_no_plain_text_and_no_key_passes_the_socket(own_agent, encrypted):
    """All that client and agent say to each other is recorded on its way."""
    agent = own_agent()
    seen = bytearray()
    outside = agent.runtime / "other" / "fluxsecrets" / "agent.sock"
    outside.parent.mkdir(mode=0o700, parents=True)

    def relay(client):
        with socket.socket(socket.AF_UNIX) as there:
            there.connect(str(agent.socket))

            def back():
                with suppress(OSError):
                    while data := there.recv(4096):
                        seen.extend(data)
                        client.sendall(data)
                with suppress(OSError):
                    client.shutdown(socket.SHUT_WR)

            thread = threading.Thread(target=back)
            thread.start()
            with suppress(OSError):
                while True:
                    data, given, _, _ = client.recvmsg(1 << 20, 1024)
                    if not data:
                        break
                    seen.extend(data)
                    there.sendmsg([data], given)
                    for _, _, each in given:
                        for descriptor in array.array("i", each):
                            os.close(descriptor)
            with suppress(OSError):
                there.shutdown(socket.SHUT_WR)
            thread.join()
            client.close()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(outside))
        outside.chmod(0o600)
        listener.listen()

        def accept():
            with suppress(OSError):
                while True:
                    relay(listener.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        variables = {"FLUXSECRETS_X": "of the request", "XDG_RUNTIME_DIR": str(outside.parents[1])}
        done = run("fluxsecrets", "decrypt", "secret.yaml", env=variables)
        assert done.out == encrypted.secret.encode()
        assert b"of the request" in seen
        assert wire.BEGUN + wire.DONE + b"\0" in seen
        assert not encrypted.leaks(bytes(seen))
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_who_is_at_the_other_end():
    here, there = socket.socketpair()
    with here, there:
        assert peer_of(here) == os.geteuid()
        assert is_own(here, os.geteuid())
        assert not is_own(here, os.geteuid() + 1)
        assert process_of(here) == os.getpid()
    assert not is_own(here, os.geteuid())
    assert process_of(here) == 0


@LINUX
def test_a_process_with_fewer_rights_is_not_answered():
    assert is_as_free(os.getpid(), now())
    assert not is_as_free(os.getpid(), 0.0)  # it started later: it only has the number
    assert not is_as_free(2**22 + 1, now())
    code = "import ctypes, sys; ctypes.CDLL(None).prctl(38, 1, 0, 0, 0); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as confined:
        confined.stdout.readline()
        assert not is_as_free(confined.pid, now())
        confined.stdin.close()


def test_the_foreground(environment, monkeypatch, tmp_path_factory):
    """As service managers start it; SIGTERM ends it in order."""
    with tempfile.TemporaryDirectory(prefix="fa-", dir="/tmp") as made:
        monkeypatch.setenv("XDG_RUNTIME_DIR", made)
        with subprocess.Popen([PROGRAMS["fluxsecrets"], "agent", "--foreground"]) as agent:
            until(lambda: run("fluxsecrets", "agent", "status").code == 0)
            state = json.loads(run("fluxsecrets", "agent", "status", "--format", "json").out)
            assert state["pid"] == agent.pid
            agent.terminate()
            assert agent.wait(timeout=30) == 0
        assert list(Path(made, "fluxsecrets").iterdir()) == []


def test_changed_code_is_not_run(environment, tmp_path, monkeypatch):
    package = tmp_path / "module_of_a_test.py"
    package.write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("module_of_a_test")
    code = loaded()
    assert code.is_unchanged()
    os.utime(package, ns=(1, 1))
    assert not code.is_unchanged()
    package.unlink()
    assert not code.is_unchanged()
