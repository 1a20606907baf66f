"""A command gives the same output, messages and exit code with the agent, whatever surrounds it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agentclients import BEGUN, DECLINED, DONE, GO, READY, RUN, begin, listening, rest_of, running, send
from agents import until
from fluxsecrets.keys.handover import pack
from fluxsecrets.keys.lockedfile import lock_file
from fluxsecrets.keys.unlocked import KEY_FILE, Unlocked, digest_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no agent on Windows")


@pytest.fixture(scope="module")
def _running():
    with running() as agent:
        yield agent


@pytest.fixture
def agent(_running, encrypted):
    """An agent for all tests: it takes nothing of its own surroundings into an answer."""
    return _running


HOSTILE = {
    "nothing unusual": {},
    "no programs": {"PATH": ""},
    "a relative PATH": {"PATH": ".:bin"},
    "a git folder elsewhere": {"GIT_DIR": "/etc"},
    "no home": {"HOME": ""},
    "a relative home": {"HOME": "."},
    "a home that is not there": {"HOME": "/nowhere/at/all"},
    "state in a device": {"XDG_STATE_HOME": os.devnull},
    "modules in the folder": {"PYTHONPATH": "."},
    "a locale that is not there": {"LC_ALL": "xx_XX.UTF-8"},
    "a time zone of a file": {"TZ": "../../etc/passwd"},
    "no folder for temporary files": {"TMPDIR": "/nowhere/at/all"},
    "a damaged key": {"SOPS_AGE_KEY": "AGE-SECRET-KEY-1BAD"},
    "a key command": {"SOPS_AGE_KEY_CMD": "false"},
    "a key file of another process": {"SOPS_AGE_KEY_FILE": "/dev/fd/63"},
    "an empty key file": {"SOPS_AGE_KEY_FILE": os.devnull},
    "a folder as a key file": {"SOPS_AGE_KEY_FILE": "."},
    "a key service": {"SOPS_KEYSERVICE": "tcp://127.0.0.1:1"},
    "colours": {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "20"},
    "a large variable": {"LARGE": "x" * 100_000},
    "another order": {"SOPS_DECRYPTION_ORDER": "pgp,age"},
    "a wrong order": {"SOPS_DECRYPTION_ORDER": "nothing"},
}


def test_a_key_in_the_environment_of_the_agent_opens_nothing(encrypted, monkeypatch):
    key = Path(os.environ["SOPS_AGE_KEY_FILE"]).read_text(encoding="utf-8")
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    with running(environ={"SOPS_AGE_KEY": key}) as agent:
        with_agent, without = agent.both("decrypt", "secret.yaml")
    assert with_agent == without
    assert without[0] == 2


LINES = (
    ("get", "secret.yaml", "stringData.password"),
    ("status", "secret.yaml"),
    ("decrypt", "not-yaml.yaml"),
    ("textconv", "secret.yaml"),
    ("get", "secret.yaml", "stringData.missing"),
    ("decrypt", "missing.yaml"),
)


def lines_for(name):
    """A success, a failure and two more in turns for each environment; all where output may differ."""
    first = 2 * [*HOSTILE].index(name)
    printed = {"nothing unusual", "a locale that is not there", "colours"}
    more = LINES if name in printed else [LINES[number % len(LINES)] for number in (first, first + 1)]
    return [("decrypt", "secret.yaml"), ("decrypt", "changed.yaml"), *more]


def test_each_line_is_tried_in_several_environments():
    tried = [line for name in HOSTILE for line in lines_for(name)]
    assert all(tried.count(line) > 5 for line in LINES)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_environment_changes_nothing(agent, encrypted, name):
    encrypted.write("changed.yaml", encrypted.read("secret.yaml").replace(b"name: db", b"name: dc"))
    encrypted.write("not-yaml.yaml", b"\x00: [")
    for args in lines_for(name):
        with_agent, without = agent.both(*args, env=HOSTILE[name])
        assert with_agent == without, args


@pytest.mark.parametrize(
    "redirection",
    [">&-", "2>&-", "<&-", ">&- 2>&-", ">/dev/full", "2>/dev/full", "</dev/null", "| head -c 1"],
)
def test_streams_are_those_of_the_client(agent, redirection):
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("the system has no full device")
    commands = [
        ["sh", "-c", f"{variable} '{agent.executable}' decrypt secret.yaml {redirection}"]
        for variable in ("", "FLUXSECRETS_NO_AGENT=1")
    ]
    results = [agent.run(before=command) for command in commands]
    assert results[0].stdout == results[1].stdout
    assert (results[0].returncode, results[0].stderr) == (results[1].returncode, results[1].stderr)


def test_a_folder_that_is_gone_is_said(agent, tmp_path):
    gone = tmp_path / "gone"
    results = []
    for variable in ("", "FLUXSECRETS_NO_AGENT=1"):
        gone.mkdir()
        script = f"cd '{gone}' && rmdir '{gone}' && {variable} '{agent.executable}' decrypt secret.yaml"
        results.append(agent.run(before=["sh", "-c", script]))
    assert (results[0].returncode, results[0].stderr) == (results[1].returncode, results[1].stderr)
    assert "no longer exists" in results[0].stderr.decode()


def test_a_pipe_as_a_key_file_is_left_to_the_client(agent, encrypted, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = f"cat '{os.environ['SOPS_AGE_KEY_FILE']}' >'{pipe}' & exec \"$0\" \"$@\""
    done = agent.run(
        "decrypt", "secret.yaml", before=["sh", "-c", script], env={"SOPS_AGE_KEY_FILE": str(pipe)}
    )
    assert done.stdout.decode() == encrypted.secret, done.stderr


def test_a_planted_key_opens_nothing_and_hides_nothing(agent, encrypted, act_as):
    alice, bob = (act_as(name).path.read_bytes() for name in ("alice", "bob"))
    key_file = encrypted.write("locked.txt", lock_file(alice, "throw-away", work_factor=1))
    key_file.chmod(0o600)
    environ = {"SOPS_AGE_KEY_FILE": str(key_file)}
    for text in (bob, b"rubbish", alice[:-5], b"\xff" * 100):
        planted = Unlocked()
        planted.add(KEY_FILE, digest_of(KEY_FILE, key_file.read_bytes()), text)
        frame = pack(planted)
        with agent.line() as line:
            line.sendall(b"k" + len(frame).to_bytes(4, "big") + frame)
            assert rest_of(line)
        with_agent, without = agent.both("decrypt", "secret.yaml", env=environ)
        assert with_agent == without


def test_a_run_is_logged_once(agent, encrypted, tmp_path):
    for name, environ in {
        "open": {},
        "declined": {"SOPS_AGE_KEY_FILE": "", "SOPS_AGE_KEY_CMD": "false"},
    }.items():
        lines = []
        for more in ({}, {"FLUXSECRETS_NO_AGENT": "1"}):
            log = tmp_path / f"{name}{len(more)}.jsonl"
            agent.run("decrypt", "secret.yaml", env={**environ, **more, "FLUXSECRETS_LOG": str(log)})
            lines.append(len(log.read_bytes().splitlines()))
        assert lines[0] == lines[1], name


# --- clients that do not do what they should


def ask(agent, request, descriptors):
    """What a client gets that sends a request, and descriptors once it is answered."""
    with agent.line() as line:
        try:
            line.sendall(request)
            if request[:1] != RUN:
                line.shutdown(socket.SHUT_WR)
            got = line.recv(1)
            if got == READY:
                send(line, GO, descriptors)
        except OSError:
            return b""
        return got + rest_of(line)


def test_no_request_and_no_descriptor_ends_the_agent(agent, encrypted, tmp_path):
    good = agent.recorded("decrypt", "secret.yaml")
    folder, file = os.open(".", os.O_RDONLY), os.open("secret.yaml", os.O_RDONLY)
    output = os.open(tmp_path / "output", os.O_RDWR | os.O_CREAT, 0o600)
    one, other = socket.socketpair()
    three = [output, output, folder]
    for descriptors in (
        [],
        [output],
        [*three, output],
        [output] * 250,
        [folder] * 3,
        [file] * 3,
        [one.fileno()] * 3,
    ):
        assert BEGUN not in ask(agent, good, descriptors)
    for request in (
        *(
            b"z" + bytes(4),
            RUN + b"\xff" * 4,
            RUN + bytes(4),
            RUN + b"\0\0\0\x64" + bytes(100),
            b"k" + b"\xff" * 4,
        ),
        *(
            good.replace(b"decrypt", b"encrypt"),
            good.replace(b"secret.yaml", b"--in-place\0"),
            good[:5] + good[6:] + b"x",
        ),
        *(good.replace(b"utf-8", b"utf-9"), good + good),
    ):
        assert BEGUN not in ask(agent, request, three), request[:60]
    for each in (folder, file, output):
        os.close(each)
    one.close()
    other.close()
    assert (tmp_path / "output").read_bytes() == b""
    assert agent.run("decrypt", "secret.yaml").stdout.decode() == encrypted.secret
    assert agent.process.poll() is None


def test_a_request_is_answered_once(agent, encrypted, tmp_path):
    request = agent.recorded("decrypt", "secret.yaml")
    with (tmp_path / "output").open("w+b") as output, agent.line() as line:
        folder = os.open(".", os.O_RDONLY)
        line.sendall(request)
        assert line.recv(1) == READY
        send(line, GO + request + GO, [output.fileno(), output.fileno(), folder])
        assert rest_of(line)[-2:] == DONE + b"\0"
        os.close(folder)
        output.seek(0)
        assert output.read().decode() == encrypted.secret


def test_a_client_that_does_not_read_keeps_nobody_else_waiting(agent, encrypted):
    encrypted.write("large.yaml", f"large: {'x' * 300_000}\n")
    assert agent.run("encrypt", "large.yaml").returncode == 0
    request = agent.recorded("decrypt", "large.yaml")
    read, write = os.pipe()
    folder = os.open(".", os.O_RDONLY)
    lines = []
    for _ in range(5):
        line = agent.line()
        begin(line, request, [write, write, folder])
        assert line.recv(1) == BEGUN
        lines.append(line)
    before = agent.state()["answered"]
    assert agent.run("decrypt", "secret.yaml").stdout.decode() == encrypted.secret
    until(lambda: agent.state()["answered"] == before + 1)
    for line in lines:
        line.close()
    for each in (read, write, folder):
        os.close(each)


def test_a_client_that_dies_takes_its_run_along(agent, encrypted):
    encrypted.write("large.yaml", f"large: {'x' * 300_000}\n")
    assert agent.run("encrypt", "large.yaml").returncode == 0
    request = agent.recorded("decrypt", "large.yaml")
    read, write = os.pipe()
    folder = os.open(".", os.O_RDONLY)
    with agent.line() as line:
        begin(line, request, [write, write, folder])
        assert line.recv(1) == BEGUN
    for each in (write, folder):
        os.close(each)
    with os.fdopen(read, "rb") as pipe:  # ends only if the run does
        assert len(pipe.read()) < 300_000
    assert agent.run("decrypt", "secret.yaml").returncode == 0


def test_rubbish_instead_of_an_agent_is_left(encrypted, cli):
    for answer in (b"", b"?", READY, READY + b"?", DECLINED, READY + DECLINED, bytes(1000)):
        with listening() as (folder, listener):
            command = [cli.executable, "decrypt", "secret.yaml"]
            environ = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
            with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as client:
                line, _ = listener.accept()
                with line:
                    line.sendall(answer)
                assert client.communicate(timeout=60)[0].decode() == encrypted.secret, answer
