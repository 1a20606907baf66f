"""The client: no agent makes a command fail or wait for long, and only the one of the user is asked."""

import array
import os
import socket
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agents import Done, run
from fluxsecrets.cli.agent import client, wire
from fluxsecrets.cli.agent.forms import DROPIN, MAIN, may_answer
from fluxsecrets.cli.agent.place import folder_of, socket_in
from fluxsecrets.files.statedirs import user_state_folder


@pytest.fixture
def runtime(encrypted, tmp_path_factory, monkeypatch):
    """A runtime folder without an agent."""
    with tempfile.TemporaryDirectory(prefix="fa-", dir="/tmp") as made:
        folder = Path(made, "fluxsecrets")
        folder.mkdir(0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", made)
        yield folder


def own_environ():
    return dict(os.environb)


@contextmanager
def listening(folder, serve, name="agent.sock"):
    """Something that listens in place of the agent; `serve` gets each connection."""
    path = folder / name
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        kept = []

        def accept():
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                kept.append(line)
                with suppress(OSError):
                    serve(line)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield path
        for line in kept:
            line.close()
        listener.shutdown(socket.SHUT_RDWR)


def says(*answers, closes=True, waits_for_go=True):
    def serve(line):
        line.recv(1 << 20)
        for answer in answers:
            line.sendall(answer)
            if answer == wire.READY and waits_for_go:
                line.recv(1)
        if closes:
            line.close()

    return serve


UNHELPFUL = {
    "says nothing and ends": says(),
    "says nothing and stays": says(closes=False),
    "ends without listening": lambda line: line.close(),
    "declines": says(wire.DECLINED),
    "is ready, and ends": says(wire.READY),
    "is ready, and declines": says(wire.READY, wire.DECLINED),
    "is ready, and says rubbish": says(wire.READY, b"\xff\xff"),
    "ends before the exit code": says(wire.READY, wire.DONE),
    "says rubbish": says(b"HTTP/1.1 200 OK\r\n"),
}


@pytest.mark.parametrize("serve", UNHELPFUL.values(), ids=UNHELPFUL)
def test_an_agent_that_does_not_help_changes_nothing(runtime, encrypted, serve):
    with listening(runtime, serve):
        done = run("fluxsecrets", "decrypt", "secret.yaml")
    assert done == Done(0, encrypted.secret.encode(), b"")


def test_an_agent_that_ends_in_the_middle_of_its_answer(runtime, encrypted):
    """Its output is there already, so that the command must not print it again."""
    for program, code in ((MAIN, 2), (DROPIN, 1)):
        with listening(runtime, says(wire.READY, wire.BEGUN)):
            done = run(program, "decrypt", "secret.yaml")
        (runtime / "agent.sock").unlink()
        assert (done.code, done.out) == (code, b"")
        assert b"the agent ended before all of the answer was printed" in done.err


def test_the_exit_code_is_the_agents(runtime):
    with listening(runtime, says(wire.READY, wire.BEGUN, wire.DONE + b"\x07")):
        assert run("fluxsecrets", "decrypt", "secret.yaml") == Done(7, b"", b"")


def test_a_socket_that_nobody_listens_on(runtime, encrypted):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(runtime / "agent.sock"))
    (runtime / "agent.sock").chmod(0o600)
    assert run("fluxsecrets", "decrypt", "secret.yaml").out == encrypted.secret.encode()


def test_an_agent_is_not_asked_if_the_user_does_not_want_it(runtime, encrypted):
    with listening(runtime, says(wire.READY, wire.BEGUN, wire.DONE + b"\x07")):
        for args, variables in ((("--no-agent",), {}), ((), {"FLUXSECRETS_NO_AGENT": "1"})):
            done = run("fluxsecrets", "decrypt", "secret.yaml", *args, env=variables)
            assert done == Done(0, encrypted.secret.encode(), b"")
        assert run("fluxsecrets", "--no-agent", "decrypt", "secret.yaml").code == 0


@pytest.mark.parametrize("mode", [0o770, 0o701, 0o755])
def test_a_folder_that_others_can_reach(runtime, encrypted, mode):
    with listening(runtime, says(wire.READY, wire.BEGUN, wire.DONE + b"\x07")):
        runtime.chmod(mode)
        done = run("fluxsecrets", "decrypt", "secret.yaml")
    assert done.out == encrypted.secret.encode()
    assert b"other users have access" in done.err


def test_a_socket_that_others_can_reach(runtime, encrypted):
    with listening(runtime, says(wire.READY, wire.BEGUN, wire.DONE + b"\x07")) as path:
        path.chmod(0o666)
        done = run("fluxsecrets", "decrypt", "secret.yaml")
    assert done.out == encrypted.secret.encode()
    assert b"other users have access" in done.err


@pytest.mark.parametrize("linked", ["folder", "socket"])
def test_a_link_in_place_of_the_folder_or_the_socket(runtime, encrypted, linked):
    other = runtime.parent / "other"
    other.mkdir(0o700)
    with listening(other, says(wire.READY, wire.BEGUN, wire.DONE + b"\x07")) as path:
        if linked == "socket":
            (runtime / "agent.sock").symlink_to(path)
        else:
            runtime.rmdir()
            runtime.symlink_to(other)
        done = run("fluxsecrets", "decrypt", "secret.yaml")
    assert done.out == encrypted.secret.encode()
    assert b"it is not a socket in a folder" in done.err


def test_a_socket_of_another_user(runtime, encrypted, monkeypatch, capfd):
    with listening(runtime, says(wire.READY, wire.BEGUN, wire.DONE + b"\x07")) as path:
        assert client.present(own_environ()) == os.fsencode(path)
        monkeypatch.setattr("posix.geteuid", lambda: os.getuid() + 1)
        assert client.present(own_environ()) is None
    assert "belongs to another user" in capfd.readouterr().err


def test_another_user_who_listens_gets_nothing(runtime, monkeypatch, capfd):
    with listening(runtime, says()) as path:
        monkeypatch.setattr(client, "peer_of", lambda line: os.getuid() + 1)
        assert client.connect(os.fsencode(path)) is None
    assert "another user listens there" in capfd.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to another user")
def test_a_folder_of_another_user(runtime, encrypted):
    with listening(runtime, says(wire.READY, wire.BEGUN, wire.DONE + b"\x07")):
        os.chown(runtime, 65534, 65534)
        done = run("fluxsecrets", "decrypt", "secret.yaml")
    assert done.out == encrypted.secret.encode()
    assert b"belongs to another user" in done.err


def test_what_a_request_hands_over(runtime):
    """Two streams and the folder; nothing of standard input."""
    seen = []

    def serve(line):
        data, too_early, _, _ = line.recvmsg(1 << 20, 4096)
        assert not too_early  # it could not be taken back
        line.sendall(wire.READY)
        _, ancillary, _, _ = line.recvmsg(1, 4096)
        given = array.array("i", ancillary[0][2])
        seen.append((data, [str(Path(f"/proc/self/fd/{each}").readlink()) for each in given]))
        for each in given:
            os.close(each)
        line.close()

    with listening(runtime, serve):
        run("fluxsecrets", "decrypt", "secret.yaml")
    (data, names), *_ = seen
    assert names[2] == str(Path.cwd())
    assert len(names) == 3
    request = wire.decoded(data[wire.HEAD :])
    assert request.environ[b"HOME"] == os.environb[b"HOME"]
    assert request.argv[1:] == [b"decrypt", b"secret.yaml"]


@pytest.mark.parametrize(
    "line",
    [
        ("decrypt", "-i", "a"),
        ("decrypt", "-qi", "a"),
        ("decrypt", "a", "-o", "b"),
        ("decrypt", "a", "--output=b"),
        ("decrypt", "-"),
        ("decrypt", "/dev/stdin"),
        ("decrypt", "/dev/fd/63"),
        ("decrypt", "/proc/self/environ"),
        ("decrypt", "--debug", "a"),
        ("decrypt", "--no-agent", "a"),
        ("decrypt",),
        ("--debug", "decrypt", "a"),
        ("status", "-o", "b", "a"),
        ("set", "a", "b", "c"),
        ("exec-env", "a", "true"),
        ("masked", "--", "true"),
        (),
    ],
    ids=" ".join,
)
def test_what_writes_reads_input_or_starts_something_is_not_asked_for(line):
    assert not may_answer(MAIN, line)
    assert not may_answer(DROPIN, line)


def test_the_folder_is_the_one_of_the_users_state(tmp_path):
    for platform in ("linux", "darwin"):
        for variables in (
            {"HOME": "/home/a"},
            {"HOME": "/home/a/", "XDG_STATE_HOME": "/s"},
            {"HOME": "/home/a", "XDG_STATE_HOME": "relative"},
        ):
            environ = {name.encode(): text.encode() for name, text in variables.items()}
            state = os.path.normpath(user_state_folder(variables, platform))
            assert os.fsdecode(folder_of(environ, platform)) == f"{state}/agent"
    assert folder_of({b"XDG_RUNTIME_DIR": b"/run/user/1"}, "linux") == b"/run/user/1/fluxsecrets"
    assert folder_of({b"XDG_RUNTIME_DIR": b"run", b"HOME": b"home"}, "linux") is None
    assert socket_in(b"/a") == b"/a/agent.sock"
