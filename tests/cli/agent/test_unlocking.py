"""A passphrase is typed once: the first command asks at its terminal, and the next ones find it unlocked."""

import os
import pty
import subprocess

import pytest

from agents import PROGRAMS, run, until
from fluxsecrets.keys.lockedfile import lock_file
from starting import with_terminal

PASSPHRASE = "throw-away passphrase"


def at_terminal(*args):
    """Run a command at a terminal of its own, and type the passphrase; return its exit code and output."""
    master, slave = pty.openpty()

    with subprocess.Popen(
        with_terminal(slave, PROGRAMS["fluxsecrets"], *args),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(slave,),
    ) as process:
        os.close(slave)
        asked = b""
        while b": " not in asked:
            asked += os.read(master, 1024)
        os.write(master, f"{PASSPHRASE}\n".encode())
        out, err = process.communicate(timeout=60)
    os.close(master)
    return process.returncode, out, err


@pytest.fixture
def locked(encrypted, identity, tmp_path, monkeypatch):
    """The key file of the folder, with a passphrase."""
    path = tmp_path / "locked.age"
    path.write_bytes(lock_file(identity.path.read_bytes(), PASSPHRASE, work_factor=4))
    path.chmod(0o600)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(path))
    return path


def test_a_passphrase_is_typed_once(own_agent, encrypted, locked, identity):
    agent = own_agent()
    plain = encrypted.secret.encode()
    assert at_terminal("decrypt", "secret.yaml")[:2] == (0, plain)
    assert agent.status()["identities"] == 1
    before = agent.status()["answered"]
    for line in (("fluxsecrets", "decrypt", "secret.yaml"), ("fluxsecrets-sops", "-d", "secret.yaml")):
        done = run(*line)  # there is no terminal
        assert (done.code, done.out, done.err) == (0, plain, b"")
    until(lambda: agent.status()["answered"] == before + 2)
    # A key file that was changed is another one, and one that was removed opens nothing.
    before = locked.read_bytes()
    locked.write_bytes(lock_file(identity.path.read_bytes(), PASSPHRASE, work_factor=4))
    assert run("fluxsecrets", "decrypt", "secret.yaml").code == 2
    locked.unlink()
    assert run("fluxsecrets", "decrypt", "secret.yaml").code == 2
    locked.write_bytes(before)
    locked.chmod(0o600)
    assert run("fluxsecrets", "decrypt", "secret.yaml").code == 0


def test_what_was_forgotten_is_asked_for_again(own_agent, encrypted, locked):
    agent = own_agent()
    for _ in range(2):
        assert at_terminal("decrypt", "secret.yaml")[0] == 0
        assert run("fluxsecrets", "decrypt", "secret.yaml").code == 0
        assert agent("lock").returncode == 0
        warm = run("fluxsecrets", "decrypt", "secret.yaml")
        assert warm == run("fluxsecrets", "decrypt", "secret.yaml", env={"FLUXSECRETS_NO_AGENT": "1"})
        assert warm.code == 2
        assert b"terminal" in warm.err
    until(lambda: agent.status()["declined"] == {"needs_person": 4})


def test_a_status_that_would_need_a_person_is_the_commands_own(own_agent, encrypted, locked):
    own_agent()
    warm = run("fluxsecrets", "status", "secret.yaml")
    assert warm == run("fluxsecrets", "status", "secret.yaml", env={"FLUXSECRETS_NO_AGENT": "1"})


def test_nothing_is_kept_with_no_store(own_agent, encrypted, locked):
    agent = own_agent("--no-store")
    assert at_terminal("decrypt", "secret.yaml")[0] == 0
    assert agent.status()["identities"] == 0
    assert run("fluxsecrets", "decrypt", "secret.yaml").code == 2


def test_keys_are_forgotten_while_a_result_is_printed(
    own_agent, encrypted, locked, cli, identity, monkeypatch
):
    """The run goes on: what it prints was decrypted before."""
    agent = own_agent()
    encrypted.write("large.yaml", f"a: {'x' * 400_000}\n")
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(identity.path))
    assert cli("encrypt", "large.yaml").exit_code == 0
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(locked))
    assert at_terminal("decrypt", "secret.yaml")[0] == 0
    with subprocess.Popen(
        [PROGRAMS["fluxsecrets"], "decrypt", "large.yaml"],
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as client:
        assert client.stdout.read(1) == b"a"
        assert agent("stop").returncode == 0
        until(lambda: not agent.socket.exists())
        out, err = client.communicate(timeout=60)
    assert (client.returncode, len(out), err) == (0, 400_003, b"")
